/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account.c - the file of accounts, and passwords.
 *
 * A line is an account, its words parted by blanks; # begins a comment line:
 *
 *     NAME ROUTE[,ROUTE...] $argon2id$... SCRAM-SHA-256$N:SALT$STORED:SERVER
 *
 * Routes are percent-encoded. A hash by argon2id cannot serve SCRAM, whose
 * server needs two keys that its own, weaker, PBKDF2 makes; so both stand
 * there, and who steals the file attacks the weaker one. An account without
 * the last word can log in by PLAIN only.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>

#include <mailmill/enc.h>
#include <mailmill/file.h>
#include <mailmill/utf8.h>

#include "owner.h"
#include "scram.h"

#define FILE_MAX ((size_t)4 << 20)
#define ACCOUNTS_MAX 10000
#define NAME_MAX_LEN 64
#define ROUTE_LEN_MAX ((size_t)1024)
#define SCRAM_WORD "SCRAM-SHA-256$"
#define ITERATIONS_MAX 1000000

bool manage_account_is_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.p[i];
		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			    (c >= 'a' && c <= 'z') || strchr("._@+-", c)))
			return false;
	}
	return name.len > 0 && name.len <= NAME_MAX_LEN && name.p[0] != '-';
}

/* --- passwords ------------------------------------------------------------
 */

int manage_account_set(struct arena *a, struct manage_account *acc,
	struct str password, struct err *err)
{
	char *hash = arena_alloc(a, crypto_pwhash_STRBYTES);
	char *salt = arena_alloc(a, SCRAM_SALT_LEN);

	if (!password.len || password.len > MANAGE_PASSWORD_MAX)
		return err_set(err, ERR_PERM, "a password has 1 to %zu bytes",
			MANAGE_PASSWORD_MAX);
	if (!utf8_is_valid(password))
		return err_set(err, ERR_PERM, "the password is no UTF-8");
	for (size_t i = 0; i < password.len; i++)
		if ((unsigned char)password.p[i] < ' ' || password.p[i] == 0x7f)
			return err_set(err, ERR_PERM,
				"a password has no control characters");
	must(sodium_init() >= 0);
	if (crypto_pwhash_str(hash, password.p, password.len,
		    crypto_pwhash_OPSLIMIT_INTERACTIVE,
		    crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
		return err_set(err, ERR_TEMP,
			"there is no memory for argon2id (64 MiB)");
	acc->argon2id = str_c(hash);
	scram_random(salt, SCRAM_SALT_LEN);
	scram_keys(
		acc, password, str_n(salt, SCRAM_SALT_LEN), SCRAM_ITERATIONS);
	return 0;
}

/* What takes as long as an account's, and fits no password. */
static const char nobody[] =
	"$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA"
	"$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

bool manage_account_check(const struct manage_account *acc, struct str password)
{
	AUTO(bytes) char *hash = acc ? str_dup(acc->argon2id)
				     : mem_strdup(nobody);
	bool is_right;

	must(sodium_init() >= 0);
	is_right = crypto_pwhash_str_verify(hash, password.p, password.len) ==
		   0;
	return acc && is_right;
}

/* --- the file -------------------------------------------------------------
 */

static int read_routes(
	struct arena *a, struct str list, struct manage_account *acc)
{
	struct str one;

	while (str_cut(&list, ',', &one)) {
		AUTO(buf) struct buf b = BUF_INIT(ROUTE_LEN_MAX);
		if (acc->n_routes == MANAGE_ROUTES_MAX || !one.len ||
			enc_unpercent(&b, one, false))
			return -1;
		acc->routes[acc->n_routes++] = arena_str(a, buf_view(&b));
	}
	return acc->n_routes ? 0 : -1;
}

static int read_key(struct str text, unsigned char out[MANAGE_KEY_LEN])
{
	AUTO(buf) struct buf b = BUF_INIT(MANAGE_KEY_LEN);

	if (enc_unbase64(&b, text) || b.len != MANAGE_KEY_LEN)
		return -1;
	memcpy(out, b.p, MANAGE_KEY_LEN);
	return 0;
}

static int read_scram(
	struct arena *a, struct str word, struct manage_account *acc)
{
	AUTO(buf) struct buf salt = BUF_INIT(256);
	struct str rest, piece, number, stored;
	uint64_t n;

	if (!str_starts(word, STR(SCRAM_WORD)))
		return -1;
	rest = str_sub(word, sizeof(SCRAM_WORD) - 1, word.len);
	if (!str_cut(&rest, '$', &piece) || !str_cut(&piece, ':', &number) ||
		str_to_u64(number, ITERATIONS_MAX, &n) || n == 0 ||
		enc_unbase64(&salt, piece) || !salt.len ||
		!str_cut(&rest, ':', &stored) ||
		read_key(stored, acc->stored_key) ||
		read_key(rest, acc->server_key))
		return -1;
	acc->iterations = (unsigned)n;
	acc->salt = arena_str(a, buf_view(&salt));
	return 0;
}

static struct str cut_word(struct str *rest)
{
	struct str word = STR_NULL;

	*rest = str_trim(*rest);
	if (rest->len)
		str_cut(rest, ' ', &word);
	return word;
}

/* Returns: what is wrong with a line, or NULL. */
static const char *read_line(
	struct arena *a, struct str line, struct manage_account *acc)
{
	struct str word;

	acc->name = arena_str(a, cut_word(&line));
	if (!manage_account_is_name(acc->name))
		return "the name";
	if (read_routes(a, cut_word(&line), acc))
		return "the routes";
	acc->argon2id = arena_str(a, cut_word(&line));
	if (!str_starts(acc->argon2id, STR("$argon2id$")) ||
		acc->argon2id.len >= crypto_pwhash_STRBYTES)
		return "the hash by argon2id";
	word = cut_word(&line);
	if (word.len && read_scram(a, word, acc))
		return "what SCRAM needs";
	return cut_word(&line).len ? "what follows SCRAM's keys" : NULL;
}

static int read_file(const char *path, struct buf *text, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0 && errno == ENOENT)
		return 0;
	if (file_read(path, text, err))
		return -1;
	if (stat(path, &st) == 0 && st.st_mode & 077)
		return err_set(err, ERR_CONF,
			"%s: others may read the accounts: chmod 0600 it",
			path);
	return 0;
}

int manage_accounts_load(struct arena *a, const char *path,
	struct manage_accounts *out, struct err *err)
{
	AUTO(buf) struct buf text = BUF_INIT(FILE_MAX);
	struct manage_accounts got = { 0 };
	struct str rest, line;
	size_t cap = 0;
	unsigned number = 0;

	if (read_file(path, &text, err))
		return -1;
	rest = buf_view(&text);
	while (str_cut_line(&rest, &line)) {
		const char *fault;
		number++;
		if (!str_trim(line).len || line.p[0] == '#')
			continue;
		if (got.n == ACCOUNTS_MAX)
			return err_set(err, ERR_CONF,
				"%s: more than %d accounts", path,
				ACCOUNTS_MAX);
		if (got.n == cap) {
			got.items = arena_grow(a, got.items, cap, cap * 2 + 8,
				sizeof(*got.items));
			cap = cap * 2 + 8;
		}
		fault = read_line(a, line, &got.items[got.n]);
		if (fault)
			return err_set(err, ERR_CONF,
				"%s:%u: cannot read %s; lines are made by "
				"mailmill user",
				path, number, fault);
		got.n++;
	}
	*out = got;
	return 0;
}

static void add_account(struct buf *b, const struct manage_account *acc)
{
	buf_printf(b, "%.*s ", STR_ARG(acc->name));
	for (size_t i = 0; i < acc->n_routes; i++) {
		if (i)
			buf_byte(b, ',');
		enc_percent(b, acc->routes[i]);
	}
	buf_printf(b, " %.*s", STR_ARG(acc->argon2id));
	if (acc->iterations) {
		buf_printf(b, " " SCRAM_WORD "%u:", acc->iterations);
		enc_base64(b, acc->salt);
		buf_byte(b, '$');
		enc_base64(b,
			str_n((const char *)acc->stored_key, MANAGE_KEY_LEN));
		buf_byte(b, ':');
		enc_base64(b,
			str_n((const char *)acc->server_key, MANAGE_KEY_LEN));
	}
	buf_byte(b, '\n');
}

int manage_accounts_save(const char *path,
	const struct manage_accounts *accounts, struct err *err)
{
	AUTO(buf) struct buf b = BUF_INIT(FILE_MAX);

	buf_c(&b, "# accounts of ManageSieve, made by mailmill user\n");
	for (size_t i = 0; i < accounts->n; i++)
		add_account(&b, &accounts->items[i]);
	if (buf_is_over(&b))
		return err_set(err, ERR_PERM, "there are too many accounts");
	if (file_write(path, buf_view(&b), 0600, err))
		return -1;
	return owner_inherit(path, err);
}

struct manage_account *manage_accounts_find(
	const struct manage_accounts *accounts, struct str name)
{
	for (size_t i = 0; i < accounts->n; i++)
		if (str_eq(accounts->items[i].name, name))
			return &accounts->items[i];
	return NULL;
}
