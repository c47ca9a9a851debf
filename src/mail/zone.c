/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * zone.c - how far a zone's clock is ahead of UTC.
 *
 * A calendar mostly brings its zones along (VTIMEZONE); where it does not, the
 * zone is known by its name alone. The box has no files, so the rules that hold
 * today are a table in the program (zone_table.c): the last line of each file
 * of the tz database, which is what POSIX writes into TZ. Times of former rules
 * come out an hour wrong; appointments in mails are of today.
 */
#include "zone.h"

/* ---- names ---- */

/* Windows' names (CLDR, windowsZones), and those of the tz database. */
static const struct {
	const char *windows, *name;
} windows_zones[] = {
	{ "AUS Central Standard Time", "Australia/Darwin" },
	{ "AUS Eastern Standard Time", "Australia/Sydney" },
	{ "Afghanistan Standard Time", "Asia/Kabul" },
	{ "Alaskan Standard Time", "America/Anchorage" },
	{ "Aleutian Standard Time", "America/Adak" },
	{ "Altai Standard Time", "Asia/Barnaul" },
	{ "Arab Standard Time", "Asia/Riyadh" },
	{ "Arabian Standard Time", "Asia/Dubai" },
	{ "Arabic Standard Time", "Asia/Baghdad" },
	{ "Argentina Standard Time", "America/Buenos_Aires" },
	{ "Astrakhan Standard Time", "Europe/Astrakhan" },
	{ "Atlantic Standard Time", "America/Halifax" },
	{ "Aus Central W. Standard Time", "Australia/Eucla" },
	{ "Azerbaijan Standard Time", "Asia/Baku" },
	{ "Azores Standard Time", "Atlantic/Azores" },
	{ "Bahia Standard Time", "America/Bahia" },
	{ "Bangladesh Standard Time", "Asia/Dhaka" },
	{ "Belarus Standard Time", "Europe/Minsk" },
	{ "Bougainville Standard Time", "Pacific/Bougainville" },
	{ "Canada Central Standard Time", "America/Regina" },
	{ "Cape Verde Standard Time", "Atlantic/Cape_Verde" },
	{ "Caucasus Standard Time", "Asia/Yerevan" },
	{ "Cen. Australia Standard Time", "Australia/Adelaide" },
	{ "Central America Standard Time", "America/Guatemala" },
	{ "Central Asia Standard Time", "Asia/Almaty" },
	{ "Central Brazilian Standard Time", "America/Cuiaba" },
	{ "Central Europe Standard Time", "Europe/Budapest" },
	{ "Central European Standard Time", "Europe/Warsaw" },
	{ "Central Pacific Standard Time", "Pacific/Guadalcanal" },
	{ "Central Standard Time", "America/Chicago" },
	{ "Central Standard Time (Mexico)", "America/Mexico_City" },
	{ "Chatham Islands Standard Time", "Pacific/Chatham" },
	{ "China Standard Time", "Asia/Shanghai" },
	{ "Cuba Standard Time", "America/Havana" },
	{ "Dateline Standard Time", "Etc/GMT+12" },
	{ "E. Africa Standard Time", "Africa/Nairobi" },
	{ "E. Australia Standard Time", "Australia/Brisbane" },
	{ "E. Europe Standard Time", "Europe/Chisinau" },
	{ "E. South America Standard Time", "America/Sao_Paulo" },
	{ "Easter Island Standard Time", "Pacific/Easter" },
	{ "Eastern Standard Time", "America/New_York" },
	{ "Eastern Standard Time (Mexico)", "America/Cancun" },
	{ "Egypt Standard Time", "Africa/Cairo" },
	{ "Ekaterinburg Standard Time", "Asia/Yekaterinburg" },
	{ "FLE Standard Time", "Europe/Helsinki" },
	{ "Fiji Standard Time", "Pacific/Fiji" },
	{ "GMT Standard Time", "Europe/London" },
	{ "GTB Standard Time", "Europe/Bucharest" },
	{ "Georgian Standard Time", "Asia/Tbilisi" },
	{ "Greenland Standard Time", "America/Godthab" },
	{ "Greenwich Standard Time", "Atlantic/Reykjavik" },
	{ "Haiti Standard Time", "America/Port-au-Prince" },
	{ "Hawaiian Standard Time", "Pacific/Honolulu" },
	{ "India Standard Time", "Asia/Kolkata" },
	{ "Iran Standard Time", "Asia/Tehran" },
	{ "Israel Standard Time", "Asia/Jerusalem" },
	{ "Jerusalem Standard Time", "Asia/Jerusalem" },
	{ "Jordan Standard Time", "Asia/Amman" },
	{ "Kaliningrad Standard Time", "Europe/Kaliningrad" },
	{ "Korea Standard Time", "Asia/Seoul" },
	{ "Libya Standard Time", "Africa/Tripoli" },
	{ "Line Islands Standard Time", "Pacific/Kiritimati" },
	{ "Lord Howe Standard Time", "Australia/Lord_Howe" },
	{ "Magadan Standard Time", "Asia/Magadan" },
	{ "Magallanes Standard Time", "America/Punta_Arenas" },
	{ "Marquesas Standard Time", "Pacific/Marquesas" },
	{ "Mauritius Standard Time", "Indian/Mauritius" },
	{ "Middle East Standard Time", "Asia/Beirut" },
	{ "Montevideo Standard Time", "America/Montevideo" },
	{ "Morocco Standard Time", "Africa/Casablanca" },
	{ "Mountain Standard Time", "America/Denver" },
	{ "Mountain Standard Time (Mexico)", "America/Mazatlan" },
	{ "Myanmar Standard Time", "Asia/Rangoon" },
	{ "N. Central Asia Standard Time", "Asia/Novosibirsk" },
	{ "Namibia Standard Time", "Africa/Windhoek" },
	{ "Nepal Standard Time", "Asia/Kathmandu" },
	{ "New Zealand Standard Time", "Pacific/Auckland" },
	{ "Newfoundland Standard Time", "America/St_Johns" },
	{ "Norfolk Standard Time", "Pacific/Norfolk" },
	{ "North Asia East Standard Time", "Asia/Irkutsk" },
	{ "North Asia Standard Time", "Asia/Krasnoyarsk" },
	{ "North Korea Standard Time", "Asia/Pyongyang" },
	{ "Omsk Standard Time", "Asia/Omsk" },
	{ "Pacific SA Standard Time", "America/Santiago" },
	{ "Pacific Standard Time", "America/Los_Angeles" },
	{ "Pacific Standard Time (Mexico)", "America/Tijuana" },
	{ "Pakistan Standard Time", "Asia/Karachi" },
	{ "Paraguay Standard Time", "America/Asuncion" },
	{ "Qyzylorda Standard Time", "Asia/Qyzylorda" },
	{ "Romance Standard Time", "Europe/Paris" },
	{ "Russia Time Zone 10", "Asia/Srednekolymsk" },
	{ "Russia Time Zone 11", "Asia/Kamchatka" },
	{ "Russia Time Zone 3", "Europe/Samara" },
	{ "Russian Standard Time", "Europe/Moscow" },
	{ "SA Eastern Standard Time", "America/Cayenne" },
	{ "SA Pacific Standard Time", "America/Bogota" },
	{ "SA Western Standard Time", "America/La_Paz" },
	{ "SE Asia Standard Time", "Asia/Bangkok" },
	{ "Saint Pierre Standard Time", "America/Miquelon" },
	{ "Sakhalin Standard Time", "Asia/Sakhalin" },
	{ "Samoa Standard Time", "Pacific/Apia" },
	{ "Sao Tome Standard Time", "Africa/Sao_Tome" },
	{ "Saratov Standard Time", "Europe/Saratov" },
	{ "Singapore Standard Time", "Asia/Singapore" },
	{ "South Africa Standard Time", "Africa/Johannesburg" },
	{ "South Sudan Standard Time", "Africa/Juba" },
	{ "Sri Lanka Standard Time", "Asia/Colombo" },
	{ "Sudan Standard Time", "Africa/Khartoum" },
	{ "Syria Standard Time", "Asia/Damascus" },
	{ "Taipei Standard Time", "Asia/Taipei" },
	{ "Tasmania Standard Time", "Australia/Hobart" },
	{ "Tocantins Standard Time", "America/Araguaina" },
	{ "Tokyo Standard Time", "Asia/Tokyo" },
	{ "Tomsk Standard Time", "Asia/Tomsk" },
	{ "Tonga Standard Time", "Pacific/Tongatapu" },
	{ "Transbaikal Standard Time", "Asia/Chita" },
	{ "Turkey Standard Time", "Europe/Istanbul" },
	{ "Turks And Caicos Standard Time", "America/Grand_Turk" },
	{ "US Eastern Standard Time", "America/Indianapolis" },
	{ "US Mountain Standard Time", "America/Phoenix" },
	{ "UTC", "Etc/UTC" },
	{ "UTC+12", "Etc/GMT-12" },
	{ "UTC+13", "Etc/GMT-13" },
	{ "UTC-02", "Etc/GMT+2" },
	{ "UTC-08", "Etc/GMT+8" },
	{ "UTC-09", "Etc/GMT+9" },
	{ "UTC-11", "Etc/GMT+11" },
	{ "Ulaanbaatar Standard Time", "Asia/Ulaanbaatar" },
	{ "Venezuela Standard Time", "America/Caracas" },
	{ "Vladivostok Standard Time", "Asia/Vladivostok" },
	{ "Volgograd Standard Time", "Europe/Volgograd" },
	{ "W. Australia Standard Time", "Australia/Perth" },
	{ "W. Central Africa Standard Time", "Africa/Lagos" },
	{ "W. Europe Standard Time", "Europe/Berlin" },
	{ "W. Mongolia Standard Time", "Asia/Hovd" },
	{ "West Asia Standard Time", "Asia/Tashkent" },
	{ "West Bank Standard Time", "Asia/Hebron" },
	{ "West Pacific Standard Time", "Pacific/Port_Moresby" },
	{ "Yakutsk Standard Time", "Asia/Yakutsk" },
	{ "Yukon Standard Time", "America/Whitehorse" },
	/* what Exchange writes for UTC, and old Outlook for these */
	{ "tzone://Microsoft/Utc", "Etc/UTC" },
	{ "Z", "Etc/UTC" },
	{ "Mid-Atlantic Standard Time", "Etc/GMT+2" },
	{ "Kamchatka Standard Time", "Asia/Kamchatka" },
	{ "Armenian Standard Time", "Asia/Yerevan" },
	{ "Mexico Standard Time", "America/Mexico_City" },
};

static bool holds_name(const char *names, struct str name)
{
	struct str rest = str_c(names), one;

	while (str_cut(&rest, ' ', &one))
		if (str_eq_case(one, name))
			return true;
	return false;
}

static const char *find_rule(struct str name)
{
	for (size_t i = 0; name.len && i < zone_n_rows; i++)
		if (holds_name(zone_rows[i].names, name))
			return zone_rows[i].rule;
	return NULL;
}

const char *zone_find(struct str name)
{
	const char *rule;

	name = str_trim(name);
	if (name.len > 1 && name.p[0] == '"' && name.p[name.len - 1] == '"')
		name = str_sub(name, 1, name.len - 2);
	for (size_t i = 0; i < COUNT(windows_zones); i++)
		if (str_eq_case(name, str_c(windows_zones[i].windows)))
			return find_rule(str_c(windows_zones[i].name));
	/* "/softwarestudio.org/Olson_20011030_5/America/New_York" */
	for (;;) {
		ssize_t slash;
		rule = find_rule(name);
		slash = str_chr(name, '/');
		if (rule || slash < 0)
			return rule;
		name = str_sub(name, (size_t)slash + 1, SIZE_MAX);
	}
}

/* ---- rules ---- */

static int days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && is_leap);
}

static int64_t midnight(int year, int month, int day)
{
	return clock_from_civil(&(struct clock_civil){
		.year = year, .month = month, .day = day });
}

int zone_nth_weekday(int year, int month, int weekday, int n)
{
	struct clock_civil first;
	int day, days = days_in(year, month);

	clock_to_civil(midnight(year, month, 1), &first);
	day = 1 + (weekday - first.weekday + 7) % 7;
	if (n < 0) {
		while (day + 7 <= days)
			day += 7;
		for (; n < -1 && day > 7; n++)
			day -= 7;
		return day;
	}
	for (; n > 1 && day + 7 <= days; n--)
		day += 7;
	return day;
}

/* Reads a number with an optional sign off *s. */
static int cut_number(const char **s)
{
	int sign = 1, n = 0;

	if (**s == '-' || **s == '+')
		sign = *(*s)++ == '-' ? -1 : 1;
	while (**s >= '0' && **s <= '9' && n < 10000)
		n = n * 10 + (*(*s)++ - '0');
	return sign * n;
}

/* Reads "5", "-3:30", "+5:45:30" as seconds. */
static int cut_time(const char **s)
{
	int sign = **s == '-' ? -1 : 1;
	int seconds = cut_number(s) * 3600;

	for (int unit = 60; unit && **s == ':'; unit /= 60) {
		(*s)++;
		seconds += sign * cut_number(s) * unit;
	}
	return seconds;
}

/* Passes over "CET" or "<+03>". */
static void cut_name(const char **s)
{
	if (**s == '<') {
		while (**s && **s != '>')
			(*s)++;
		*s += **s == '>';
		return;
	}
	while ((**s >= 'A' && **s <= 'Z') || (**s >= 'a' && **s <= 'z'))
		(*s)++;
}

/* Reads ",M3.5.0/2": when in a year, on the wall clock before it. */
static int64_t cut_change(const char **s, int year)
{
	int month, n, weekday, time = 2 * 3600;

	*s += **s == ',';
	*s += **s == 'M';
	month = cut_number(s);
	*s += **s == '.';
	n = cut_number(s);
	*s += **s == '.';
	weekday = cut_number(s);
	if (**s == '/') {
		(*s)++;
		time = cut_time(s);
	}
	if (month < 1 || month > 12)
		month = 1;
	return midnight(year, month,
		       zone_nth_weekday(
			       year, month, weekday % 7, n == 5 ? -1 : n)) +
	       time;
}

int zone_offset(const char *rule, const struct clock_civil *wall)
{
	int standard, summer;
	int64_t now = clock_from_civil(wall), begin, end;

	cut_name(&rule);
	standard = -cut_time(&rule);
	if (!*rule)
		return standard;
	cut_name(&rule);
	summer = *rule && *rule != ',' ? -cut_time(&rule) : standard + 3600;
	begin = cut_change(&rule, wall->year);
	end = cut_change(&rule, wall->year);
	if (begin < end)
		return now >= begin && now < end ? summer : standard;
	return now >= end && now < begin ? standard : summer;
}
