/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sandbox.c - puts the parts of the sandbox together.
 *
 * HTTP (server.c) -> fault to strike? (faults.c) -> handler (route.c) ->
 * records (write.c checks, table.c keeps) -> state file (state.c). One thread;
 * each call runs to its end before the next, so every call is a transaction.
 */
#include <mailmill/clock.h>

#include "sandbox.h"

#define API_LIMIT 5000000 /* of a full sandbox */

/* What every org has: itself, a user, a queue. */
void sb_seed_default(struct sandbox *sb)
{
	static const char email[] = "sandbox@example.com";
	struct sb_object *orgs = sb_object(sb, STR("Organization"));
	struct sb_object *users = sb_object(sb, STR("User"));
	struct sb_record *org, *user;

	if (orgs->n_rows && users->n_rows) {
		memcpy(sb->org_id, orgs->rows[0]->id, sizeof(sb->org_id));
		memcpy(sb->user_id, users->rows[0]->id, sizeof(sb->user_id));
		return;
	}
	sb_id_make("00D", 1, sb->org_id);
	sb_id_make("005", 1, sb->user_id);
	org = sb_write_make(sb, "Organization", "Name",
		json_string("Mailmill Sandbox"), "OrganizationType",
		json_string("Developer Edition"), "InstanceName",
		json_string("MM0"), NULL);
	user = sb_write_make(sb, "User", "Username", json_string(email),
		"FirstName", json_string("Sandbox"), "LastName",
		json_string("User"), "Email", json_string(email), "Alias",
		json_string("sbox"), NULL);
	must(!strcmp(org->id, sb->org_id) && !strcmp(user->id, sb->user_id));
	sb_write_make(sb, "Group", "Name", json_string("Support"),
		"DeveloperName", json_string("Support"), "Type",
		json_string("Queue"), NULL);
	sb_table_commit(sb);
}

int sb_open_engine(
	const struct sandbox_options *o, struct sandbox **out, struct err *err)
{
	AUTO(sandbox) struct sandbox *sb = NEW(struct sandbox);

	sb->blob_fd = -1;
	sb->started_ms = clock_wall_ms();
	sb->api_limit = o->api_limit ? o->api_limit : API_LIMIT;
	sb->is_strict = o->is_strict;
	sb->faults = sb_faults_new();
	if (sb_schema_open(sb, o->schema, o->plain_key, err) < 0 ||
		sb_blob_open(sb, o->state, err) < 0)
		return -1;
	if (o->state && sb_state_open(sb, o->state, err) < 0)
		return -1;
	sb_seed_default(sb);
	if (sb_oauth_open(sb, o, err) < 0)
		return -1;
	*out = TAKE(sb);
	return 0;
}

int sandbox_open(
	const struct sandbox_options *o, struct sandbox **out, struct err *err)
{
	AUTO(sandbox) struct sandbox *sb = NULL;

	if (sb_open_engine(o, &sb, err) < 0)
		return -1;
	if (sb_server_open(sb, o, err) < 0)
		return -1;
	*out = TAKE(sb);
	return 0;
}

const char *sandbox_url(const struct sandbox *sb)
{
	return sb->url;
}

int sandbox_run(struct sandbox *sb, int stop_fd, struct err *err)
{
	return sb_server_run(sb, stop_fd, err);
}

void sandbox_close(struct sandbox *sb)
{
	if (!sb)
		return;
	sb_server_close(sb);
	sb_query_close(sb);
	sb_state_close(sb);
	sb_oauth_close(sb);
	sb_faults_free(sb->faults);
	if (sb->undo)
		sb_table_commit(sb);
	sb_schema_close(sb);
	if (sb->blob_fd >= 0)
		sb_blob_close(sb);
	free(sb->undo);
	free(sb);
}
