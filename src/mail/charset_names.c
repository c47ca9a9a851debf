/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * charset_names.c - all charsets that are met in mail, by all their names.
 *
 * A label is read without case, blanks, "-", "_" and the like. What its
 * senders mean counts, not the registry: gb2312 is GB18030 in practice, and
 * ks_c_5601-1987 is what Windows calls Korean.
 *
 * glibc opens converters from files, which a sandbox has not: each is opened
 * once and never closed, so that a later iconv_open() finds the code loaded.
 * The handles themselves are not used: one thread a handle. Of those with one
 * byte a letter a table is made, and they are closed.
 */
#include <iconv.h>

#include <gmime/gmime.h>
/* GLib has these too */
#undef MIN
#undef MAX

#include "charset.h"

#define LABEL_MAX 64

/* clang-format off: a table */
static const struct charset charsets[] = {
	{ CHARSET_UTF8, "UTF-8",
		"utf8 utf uft8 utf8mac unicode11utf8 "
		"unicodeutf8 cp65001 65001 utf8mb4 utf8mb3 utf8n utf8bom "
		"utf8emoji unicode20utf8 ut8 uf8 utf8x utf08 cputf8 winutf8 "
		"utf8lf utf8sig cesu8 wtf8 csutf8 uif8 utf8i utf8general "
		"utf8generalci utf8unicodeci",
		0 },
	{ CHARSET_CARELESS, "WINDOWS-1252",
		"usascii ascii ansix341968 "
		"ansix341986 iso646us isoir6 us 646 csascii iso646irv1991 "
		"cp367 ibm367 367 iso88591 iso885911987 latin1 l1 isoir100 "
		"isolatin1 iso8859 88591 csisolatin1 latin ibm819 819 iso1 "
		"iso88591windows31latin1 iso88591windows30latin1 "
		"windows1252 1252 wlatin1 winlatin1 westeuropean western "
		"ansi unknown8bit unknown unknowncharset 8bit 7bit 8bits "
		"default defaultcharset none null undefined text plain "
		"textplain binary userdefined usdefined enus en "
		"mswindowslatin1 quotedprintable base64 html "
		"iso88591en iso88591de standard english german de fr",
		CHARSET_WEST },
	{ CHARSET_SINGLE, "WINDOWS-1250", "1250 easteurope wlatin2",
		CHARSET_CENTRAL },
	{ CHARSET_SINGLE, "ISO-8859-2",
		"iso88592 iso885921987 latin2 l2 "
		"isoir101 isolatin2 88592 csisolatin2 912",
		CHARSET_CENTRAL },
	{ CHARSET_SINGLE, "CP852", "852 pclatin2 cspcp852", CHARSET_CENTRAL },
	{ CHARSET_SINGLE, "MAC-CENTRALEUROPE",
		"macce maccentraleurope "
		"maccentraleurroman maceasteurope 10029",
		CHARSET_CENTRAL },
	{ CHARSET_SINGLE, "ISO-8859-16",
		"iso885916 iso8859162001 latin10 l10 "
		"isoir226 885916",
		CHARSET_CENTRAL },
	{ CHARSET_SINGLE, "WINDOWS-1251",
		"1251 cyrillicwindows "
		"cyrillicwin wincyrillic russian",
		CHARSET_CYRILLIC },
	{ CHARSET_SINGLE, "KOI8-R",
		"koi8r koi8 koi cskoi8r koi8rus koir "
		"20866 878 koi8rfc1489",
		CHARSET_CYRILLIC },
	{ CHARSET_SINGLE, "KOI8-U", "koi8u koi8ru koi8ukr 21866 koi8unified",
		CHARSET_CYRILLIC },
	{ CHARSET_SINGLE, "ISO-8859-5",
		"iso88595 iso885951988 cyrillic "
		"isoir144 88595 csisolatincyrillic 915",
		CHARSET_CYRILLIC },
	{ CHARSET_SINGLE, "CP866",
		"866 866av alt cyrillicdos "
		"cspcp866 csibm866",
		CHARSET_CYRILLIC },
	{ CHARSET_SINGLE, "CP855", "855", CHARSET_CYRILLIC },
	{ CHARSET_SINGLE, "MAC-CYRILLIC",
		"maccyrillic macukrainian macuk "
		"10007",
		CHARSET_CYRILLIC },
	{ CHARSET_SINGLE, "CP1125", "1125 ruscii 866u", CHARSET_CYRILLIC },
	{ CHARSET_SINGLE, "KOI8-T", "koi8t", CHARSET_CYRILLIC },
	{ CHARSET_SINGLE, "PT154",
		"pt154 ptcp154 csptcp154 cyrillicasian "
		"cp154",
		CHARSET_CYRILLIC },
	{ CHARSET_SINGLE, "RK1048", "rk1048 strk10482002 kz1048 csrk1048",
		CHARSET_CYRILLIC },
	{ CHARSET_SINGLE, "MIK", "mik", CHARSET_CYRILLIC },
	{ CHARSET_SINGLE, "WINDOWS-1253", "1253", CHARSET_GREEK },
	{ CHARSET_SINGLE, "ISO-8859-7",
		"iso88597 iso885971987 iso885972003 "
		"greek greek8 ecma118 elot928 isoir126 88597 "
		"csisolatingreek suneugreek 813",
		CHARSET_GREEK },
	{ CHARSET_SINGLE, "CP737", "737", CHARSET_GREEK },
	{ CHARSET_SINGLE, "CP869", "869", CHARSET_GREEK },
	{ CHARSET_SINGLE, "WINDOWS-1254",
		"1254 iso88599 iso885991989 latin5 "
		"l5 isoir148 isolatin5 88599 csisolatin5 turkish 920",
		CHARSET_TURKISH },
	{ CHARSET_SINGLE, "CP857", "857", CHARSET_TURKISH },
	{ CHARSET_SINGLE, "WINDOWS-1255",
		"1255 iso88598 iso88598i iso88598e "
		"iso885981988 iso88598logical iso88598visual hebrew isoir138 "
		"88598 88598i csisolatinhebrew csiso88598i csiso88598e "
		"logical visual 916 38598 28598",
		CHARSET_HEBREW },
	{ CHARSET_SINGLE, "CP862", "862 doshebrew", CHARSET_HEBREW },
	{ CHARSET_SINGLE, "WINDOWS-1256", "1256", CHARSET_ARABIC },
	{ CHARSET_SINGLE, "ISO-8859-6",
		"iso88596 iso88596i iso88596e "
		"iso885961987 arabic asmo708 ecma114 isoir127 88596 "
		"csisolatinarabic csiso88596i csiso88596e 1089 708",
		CHARSET_ARABIC },
	{ CHARSET_SINGLE, "CP864", "864", CHARSET_ARABIC },
	{ CHARSET_SINGLE, "WINDOWS-1257", "1257", CHARSET_BALTIC },
	{ CHARSET_SINGLE, "ISO-8859-13",
		"iso885913 latin7 l7 isoir179 "
		"885913 baltic 921",
		CHARSET_BALTIC },
	{ CHARSET_SINGLE, "ISO-8859-4",
		"iso88594 iso885941988 latin4 l4 "
		"isoir110 isolatin4 88594 csisolatin4 914",
		CHARSET_BALTIC },
	{ CHARSET_SINGLE, "CP775", "775", CHARSET_BALTIC },
	{ CHARSET_SINGLE, "ISO-8859-10",
		"iso885910 iso8859101992 latin6 l6 "
		"isoir157 885910 csisolatin6",
		CHARSET_BALTIC },
	{ CHARSET_SINGLE, "ISO-8859-15",
		"iso885915 iso8859151998 iso885815 "
		"latin9 l9 latin0 isoir203 885915 csisolatin9 "
		"isolatin9 923 iso885915euro",
		CHARSET_WEST },
	{ CHARSET_SINGLE, "ISO-8859-3",
		"iso88593 iso885931988 latin3 l3 "
		"isoir109 isolatin3 88593 csisolatin3 913",
		CHARSET_WEST },
	{ CHARSET_SINGLE, "ISO-8859-14",
		"iso885914 iso8859141998 latin8 l8 "
		"isoir199 isoceltic 885914",
		CHARSET_WEST },
	{ CHARSET_SINGLE, "CP850",
		"850 pcmultilingual850 cspc850multilingual "
		"pc850 dos",
		CHARSET_WEST },
	{ CHARSET_SINGLE, "CP437",
		"437 pc8 pc437 cspc8codepage437 "
		"usdos",
		CHARSET_WEST },
	{ CHARSET_SINGLE, "IBM858", "858 850euro pcmultilingual850euro",
		CHARSET_WEST },
	{ CHARSET_SINGLE, "CP860", "860", CHARSET_WEST },
	{ CHARSET_SINGLE, "CP861", "861", CHARSET_WEST },
	{ CHARSET_SINGLE, "CP863", "863", CHARSET_WEST },
	{ CHARSET_SINGLE, "CP865", "865", CHARSET_WEST },
	{ CHARSET_SINGLE, "MACINTOSH",
		"macintosh macroman mac macosroman "
		"appleroman 10000 csmacintosh macwestern",
		CHARSET_WEST },
	{ CHARSET_SINGLE, "MAC-IS", "macis macicelandic 10079", CHARSET_WEST },
	{ CHARSET_SINGLE, "HP-ROMAN8", "hproman8 roman8 r8 1051 cshproman8",
		CHARSET_WEST },
	{ CHARSET_SINGLE, "DEC-MCS", "decmcs dec csdecmcs 1100", CHARSET_WEST },
	{ CHARSET_SINGLE, "CP874",
		"874 tis620 tis6200 tis62025330 "
		"tis62025331 iso885911 iso8859112001 isoir166 885911 "
		"dos874 thai",
		CHARSET_THAI },
	{ CHARSET_SINGLE, "VISCII", "viscii viscii111 csviscii",
		CHARSET_NO_ALPHABET },
	{ CHARSET_SINGLE, "ARMSCII-8", "armscii8 armscii armscii8a",
		CHARSET_NO_ALPHABET },
	{ CHARSET_SINGLE, "GEORGIAN-PS", "georgianps", CHARSET_NO_ALPHABET },
	{ CHARSET_SINGLE, "GEORGIAN-ACADEMY", "georgianacademy",
		CHARSET_NO_ALPHABET },
	/* combining marks: these need more than a table */
	{ CHARSET_MULTI, "WINDOWS-1258", "1258 vietnamese",
		CHARSET_NO_ALPHABET },
	{ CHARSET_MULTI, "TCVN", "tcvn tcvn5712 tcvn57121 tcvn571211993",
		CHARSET_NO_ALPHABET },
	{ CHARSET_MULTI, "TSCII", "tscii", CHARSET_NO_ALPHABET },
	{ CHARSET_MULTI, "ISO_6937", "iso6937 isoir156", CHARSET_NO_ALPHABET },
	{ CHARSET_MULTI, "GB18030",
		"gb18030 gb180302000 gb180302005 gb2312 "
		"gb2312charset gb231280 gb23121980 gb gbk cp936 936 euccn "
		"isoir58 chinese csgb2312 csiso58gb231280 csgb18030 csgbk "
		"msgbk eucgb2312cn cngb simplifiedchinese zhcn 54936 gb2132 "
		"gbk2312 gb18303 gb180300 gb18o30 gb10830 ms936 gb2321",
		CHARSET_HAN },
	{ CHARSET_MULTI, "BIG5-HKSCS",
		"big5 big5hkscs big5hk cnbig5 xbig5 "
		"950 csbig5 big5eten big5tw big5plus hkscs big5hkscs2004 "
		"traditionalchinese zhtw big 5 bigfive ms950 big5hkscs1999 "
		"951",
		CHARSET_HAN },
	{ CHARSET_MULTI, "EUC-TW", "euctw cns11643 cseuctw", CHARSET_HAN },
	{ CHARSET_MULTI, "CP949",
		"949 ksc56011987 ksc56011989 ksc5601 "
		"ksc56011992 euckr uhc korean isoir149 cseuckr "
		"csksc56011987 ksc mskorean unifiedhangul kscode 51949 "
		"20949 ksx1001 kscksc5601 ksc5601euckr eukr 970",
		CHARSET_HAN },
	{ CHARSET_MULTI, "JOHAB", "johab 1361 ksx1001johab", CHARSET_HAN },
	{ CHARSET_MULTI, "CP932",
		"932 shiftjis sjis shiftjs shiftjisms "
		"mskanji csshiftjis windows31j 31j cswindows31j sjiswin "
		"sjismac shiftjiswin shftjis 943 942 ibm943c ms932 japanese "
		"shiftjis2004 shiftjisx0213 shiftjisx sjisopen macjapanese "
		"shjis pck",
		CHARSET_HAN },
	{ CHARSET_MULTI, "EUC-JP-MS",
		"eucjp eucjpms eucjpwin ujis cseucjp "
		"cseucpkdfmtjapanese extendedunixcodepackedformatforjapanese "
		"51932 20932 eucj euc ajec eucjp1990 33722",
		CHARSET_HAN },
	{ CHARSET_MULTI, "EUC-JISX0213", "eucjisx0213 eucjis2004",
		CHARSET_HAN },
	{ CHARSET_SEVEN, "ISO-2022-JP-3",
		"iso2022jp iso2022jp1 iso2022jp3 "
		"iso2022jpms iso2022jp2004 csiso2022jp cp50220 cp50221 "
		"cp50222 50220 50221 50222 jis jis7 iso2022 iso2022j "
		"iso2022jpext iso2022jpwin isp2022jp jis8 iso2022jp7bit",
		CHARSET_HAN },
	{ CHARSET_SEVEN, "ISO-2022-JP-2", "iso2022jp2 csiso2022jp2",
		CHARSET_HAN },
	{ CHARSET_SEVEN, "ISO-2022-KR", "iso2022kr csiso2022kr 50225",
		CHARSET_HAN },
	{ CHARSET_SEVEN, "ISO-2022-CN-EXT",
		"iso2022cn iso2022cnext "
		"csiso2022cn iso2022cngb 50227 50229 iso2022cncns",
		CHARSET_HAN },
	{ CHARSET_SEVEN, "HZ", "hz hzgb2312 hzgb 52936 cshz", CHARSET_HAN },
	{ CHARSET_SEVEN, "UTF-7",
		"utf7 unicode11utf7 unicode20utf7 "
		"unicodeutf7 65000 csunicode11utf7 utf7imap u7 csutf7",
		CHARSET_NO_ALPHABET },
	{ CHARSET_WIDE, "UTF-16",
		"utf16 unicode ucs2 iso10646ucs2 csunicode "
		"10646 iso10646 unicode11 unicode20 utf16bom wunicode "
		"csutf16 unicodelittle unicodebig",
		CHARSET_NO_ALPHABET },
	{ CHARSET_WIDE, "UTF-16LE",
		"utf16le ucs2le unicodefffe16 1200 "
		"unicodelittleunmarked unicodefeff csutf16le",
		CHARSET_NO_ALPHABET },
	{ CHARSET_WIDE, "UTF-16BE",
		"utf16be ucs2be unicodefffe 1201 "
		"unicodebigunmarked csutf16be",
		CHARSET_NO_ALPHABET },
	{ CHARSET_WIDE, "UTF-32", "utf32 ucs4 iso10646ucs4 csucs4",
		CHARSET_NO_ALPHABET },
	{ CHARSET_WIDE, "UTF-32LE", "utf32le ucs4le 12000",
		CHARSET_NO_ALPHABET },
	{ CHARSET_WIDE, "UTF-32BE", "utf32be ucs4be 12001",
		CHARSET_NO_ALPHABET },
	/* ASCII with national letters for brackets */
	{ CHARSET_OTHER, "DIN_66003",
		"din66003 iasgerman iso646de isoir21 "
		"20106 ia5german csiso21german",
		0 },
	{ CHARSET_OTHER, "NS_4551-1",
		"ns45511 iasnorwegian iso646no isoir60 "
		"20108 ia5norwegian csiso60norwegian1",
		0 },
	{ CHARSET_OTHER, "SEN_850200_B",
		"sen850200b iasswedish iso646se "
		"iso646fi isoir10 20107 ia5swedish csiso10swedish",
		0 },
	{ CHARSET_OTHER, "DS_2089", "ds2089 iso646dk csiso646danish", 0 },
	{ CHARSET_OTHER, "NF_Z_62-010", "nfz62010 iso646fr isoir69", 0 },
	{ CHARSET_OTHER, "BS_4730", "bs4730 iso646gb isoir4", 0 },
	{ CHARSET_OTHER, "ISO646-ES", "iso646es isoir17", 0 },
	{ CHARSET_OTHER, "ISO646-IT", "iso646it isoir15", 0 },
	{ CHARSET_OTHER, "JIS_C6220-1969-RO",
		"iso646jp jisx0201roman "
		"jisc62201969ro",
		0 },
	{ CHARSET_OTHER, "IBM037", "037 37 ebcdiccpus cp037 ibm037", 0 },
	{ CHARSET_OTHER, "IBM273", "273 ibm273", 0 },
	{ CHARSET_OTHER, "IBM500", "500 ebcdiccpbe ibm500", 0 },
	{ CHARSET_OTHER, "IBM1047", "1047 ibm1047", 0 },
	{ CHARSET_OTHER, "CP1140", "1140 ibm1140", 0 },
};
/* clang-format on */

/* What stands before the number of a code page. */
static const char *const page_prefixes[] = { "cp", "win", "windows", "ibm",
	"ms", "ansi", "dos", "codepage", "oem", "ccsid", "windowscp",
	"microsoftcp", "mscp", "cswindows", "pc", "wincp", "microsoft",
	"windowsnt", "widows", "window", "windos", "windwos", "ccs", "ansicp" };

static uint16_t high[COUNT(charsets)][128];
/* Never closed, so that their code stays; not used: one thread a handle. */
static iconv_t kept[COUNT(charsets)];
static bool is_ready;

/* Makes a table of what one byte means. Returns: whether all of it is known. */
static void fill_high(iconv_t cd, uint16_t *table)
{
	for (unsigned i = 0; i < 128; i++) {
		char in[] = { (char)(i + 128), 0 }, out[8], *from = in,
		     *to = out;
		size_t n_in = 1, n_out = sizeof(out);
		uint32_t code;
		iconv(cd, NULL, NULL, NULL, NULL);
		/* some keep a letter until they know what is behind it */
		if (iconv(cd, &from, &n_in, &to, &n_out) == (size_t)-1 ||
			iconv(cd, NULL, NULL, &to, &n_out) == (size_t)-1 ||
			!utf8_next(str_n(out, sizeof(out) - n_out), &code))
			continue;
		if (code < 0x10000 && !(code >= 0x80 && code < 0xa0))
			table[i] = (uint16_t)code;
	}
}

void charset_names_init(void)
{
	if (is_ready)
		return;
	is_ready = true;
	for (size_t i = 0; i < COUNT(charsets); i++) {
		const struct charset *cs = &charsets[i];
		char in[] = "a", out[16], *from = in, *to = out;
		size_t n_in = 1, n_out = sizeof(out);
		iconv_t cd;
		if (cs->kind == CHARSET_UTF8 || !strcmp(cs->iconv, "HZ"))
			continue;
		cd = iconv_open("UTF-8", cs->iconv);
		if (cd == (iconv_t)-1)
			continue;
		if (cs->kind == CHARSET_SINGLE ||
			cs->kind == CHARSET_CARELESS) {
			fill_high(cd, high[i]);
			iconv_close(cd);
			continue;
		}
		kept[i] = cd; /* and once used, for what it loads only then */
		iconv(cd, &from, &n_in, &to, &n_out);
	}
}

const uint16_t *charset_high(const struct charset *cs)
{
	return high[cs - charsets];
}

const struct charset *charset_named(const char *iconv)
{
	for (size_t i = 0; i < COUNT(charsets); i++)
		if (!strcmp(charsets[i].iconv, iconv))
			return &charsets[i];
	must(!"charset_named() knows it");
	return NULL;
}

/* Copies letters and digits in lower case; what is behind "*" is a language. */
static struct str squeeze(struct str label, char out[LABEL_MAX])
{
	size_t n = 0;
	struct str s;

	for (size_t i = 0; i < label.len && n < LABEL_MAX - 1; i++) {
		char c = label.p[i];
		if (c == '*' && n)
			break;
		if (c >= 'A' && c <= 'Z')
			c |= 32;
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			out[n++] = c;
	}
	s = str_n(out, n);
	if (str_starts(s, STR("charset")) && n > 7)
		s = str_sub(s, 7, n);
	if (str_starts(s, STR("3d"))) /* quoted-printable in the head of HTML */
		s = str_sub(s, 2, n);
	return s;
}

static bool has_name(const char *names, struct str name)
{
	struct str rest = str_c(names), one;

	while (str_cut(&rest, ' ', &one))
		if (one.len == name.len && !memcmp(one.p, name.p, name.len))
			return true;
	return false;
}

static const struct charset *find_name(struct str name)
{
	for (size_t i = 0; i < COUNT(charsets); i++)
		if (has_name(charsets[i].names, name))
			return &charsets[i];
	return NULL;
}

static size_t count_letters(struct str name)
{
	size_t n = 0;

	while (n < name.len && name.p[n] >= 'a')
		n++;
	return n;
}

/* Finds cp1251, win1251, ibm850 by the number. */
static const struct charset *find_page(struct str name)
{
	size_t n = count_letters(name);
	struct str prefix = str_sub(name, 0, n);

	if (n == name.len)
		return NULL;
	for (size_t i = 0; i < COUNT(page_prefixes); i++)
		if (str_eq(prefix, str_c(page_prefixes[i])))
			return find_name(str_sub(name, n, name.len));
	return NULL;
}

/* "iso-8859-2-windows-latin-2", "windows-1251koi", "utf-8; format=flowed" */
static const struct charset *find_front(struct str name)
{
	const struct charset *cs;

	for (size_t n = name.len - 1; n >= 5; n--) {
		struct str front = str_sub(name, 0, n);
		/* not within a number */
		if (name.p[n] >= '0' && name.p[n] <= '9' &&
			name.p[n - 1] >= '0' && name.p[n - 1] <= '9')
			continue;
		cs = find_name(front);
		cs = cs ? cs : find_page(front);
		if (cs)
			return cs;
	}
	return str_starts(name, STR("utf8")) ? &charsets[0] : NULL;
}

static const struct charset *find_any(struct str name)
{
	const struct charset *cs = find_name(name);

	if (!cs)
		cs = find_page(name);
	while (!cs && name.len > 2 && name.p[0] == 'x') {
		name = str_sub(name, 1, name.len);
		cs = find_name(name);
		cs = cs ? cs : find_page(name);
	}
	if (!cs && name.len > 5)
		cs = find_front(name);
	return cs;
}

const struct charset *charset_find(struct str label)
{
	char space[LABEL_MAX];
	struct str name = squeeze(label, space);
	const char *its;

	if (!name.len)
		return NULL;
	if (str_eq(name, STR("utf8")))
		return &charsets[0];
	if (str_eq(name, STR("usascii")) || str_eq(name, STR("iso88591")))
		return &charsets[1];
	{
		const struct charset *cs = find_any(name);
		if (cs)
			return cs;
	}
	space[MIN(label.len, LABEL_MAX - 1)] = 0;
	memcpy(space, label.p, MIN(label.len, LABEL_MAX - 1));
	its = g_mime_charset_iconv_name(space);
	return its ? find_any(squeeze(str_c(its), space)) : NULL;
}
