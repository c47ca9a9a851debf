/* SPDX-License-Identifier: GPL-3.0-or-later */
/* limits.c - versions, resources, limits, and the log of calls. */
#include <stdio.h>

#include "sandbox.h"

void sb_log_call(struct sandbox *sb, const struct sb_call *c)
{
	sb->calls[sb->n_calls++ % SB_CALLS_MAX] = *c;
	sb->n_by_kind[c->kind]++;
	sb->n_faults += c->fault[0] != 0;
}

void sb_limits_versions(struct sb_ask *a, struct sb_reply *r)
{
	static const char *const seasons[] = { "Winter", "Spring", "Summer" };

	(void)a;
	r->status = 200;
	buf_byte(&r->body, '[');
	/* Version 31 was Summer '14; there are three a year. */
	for (int v = SB_VERSION_MIN; v <= SB_VERSION_MAX; v++) {
		int n = v - SB_VERSION_MIN + 2;
		buf_printf(&r->body,
			"%s{\"label\":\"%s '%02d\",\"url\":\"/services/data/"
			"v%d.0\",\"version\":\"%d.0\"}",
			v > SB_VERSION_MIN ? "," : "", seasons[n % 3],
			14 + n / 3, v, v);
	}
	buf_byte(&r->body, ']');
}

void sb_limits_resources(struct sb_ask *a, struct sb_reply *r)
{
	static const char *const names[] = { "composite", "limits",
		"parameterizedSearch", "query", "queryAll", "search",
		"sobjects" };

	r->status = 200;
	buf_byte(&r->body, '{');
	for (size_t i = 0; i < COUNT(names); i++)
		buf_printf(&r->body, "\"%s\":\"/services/data/v%d.0/%s\",",
			names[i], a->version, names[i]);
	buf_printf(&r->body, "\"identity\":\"%s/id/%s/%s\"}", a->sb->url,
		a->sb->org_id, a->sb->user_id);
}

void sb_limits_get(struct sb_ask *a, struct sb_reply *r)
{
	static const struct {
		const char *name;
		int max;
	} fixed[] = { { "DailyBulkApiBatches", 15000 },
		{ "DailyBulkV2QueryFileStorageMB", 976562 },
		{ "DailyBulkV2QueryJobs", 10000 }, { "DataStorageMB", 5120 },
		{ "FileStorageMB", 20480 }, { "DailyWorkflowEmails", 1000 },
		{ "SingleEmail", 5000 }, { "MassEmail", 5000 },
		{ "HourlyODataCallout", 1000 },
		{ "HourlyPublishedPlatformEvents", 50000 },
		{ "ConcurrentAsyncGetReportInstances", 200 } };
	struct sandbox *sb = a->sb;

	r->status = 200;
	buf_printf(&r->body,
		"{\"DailyApiRequests\":{\"Max\":%llu,\"Remaining\":%llu}",
		(unsigned long long)sb->api_limit,
		(unsigned long long)(sb->api_limit -
				     MIN(sb->n_api, sb->api_limit)));
	for (size_t i = 0; i < COUNT(fixed); i++)
		buf_printf(&r->body, ",\"%s\":{\"Max\":%d,\"Remaining\":%d}",
			fixed[i].name, fixed[i].max, fixed[i].max);
	buf_byte(&r->body, '}');
}
