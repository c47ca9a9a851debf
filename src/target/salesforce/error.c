/* SPDX-License-Identifier: GPL-3.0-or-later */
/* error.c - what Salesforce's error codes mean for a record, by table. */
#include <string.h>

#include <mailmill/id.h>
#include <mailmill/utf8.h>

#include "salesforce.h"

static const struct {
	const char *code;
	enum sf_class class;
} codes[] = {
	{ "ALL_OR_NONE_OPERATION_ROLLED_BACK", SF_HALTED },
	{ "API_CURRENTLY_DISABLED", SF_OPERATOR },
	{ "API_DISABLED_FOR_ORG", SF_OPERATOR },
	{ "APEX_ERROR", SF_NEVER },
	{ "BATCH_PROCESSING_HALTED", SF_HALTED },
	{ "CANNOT_EXECUTE_FLOW_TRIGGER", SF_NEVER },
	{ "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", SF_OPERATOR },
	{ "CLIENT_NOT_ACCESSIBLE_FOR_USER", SF_OPERATOR },
	{ "CUSTOM_APEX_ERROR", SF_NEVER },
	{ "DUPLICATES_DETECTED", SF_NEVER },
	{ "DUPLICATE_EXTERNAL_ID", SF_NEVER },
	{ "DUPLICATE_VALUE", SF_LOOK },
	{ "ENTITY_IS_DELETED", SF_NEVER },
	{ "ENTITY_IS_LOCKED", SF_LATER },
	{ "EXCEEDED_ID_LIMIT", SF_SPLIT },
	{ "EXCEEDED_MAX_SIZE_REQUEST", SF_SPLIT },
	{ "EXCEEDED_QUOTA", SF_LATER },
	{ "FIELD_CUSTOM_VALIDATION_EXCEPTION", SF_NEVER },
	{ "FIELD_FILTER_VALIDATION_EXCEPTION", SF_NEVER },
	{ "FIELD_INTEGRITY_EXCEPTION", SF_NEVER },
	{ "FILE_EXTENSION_NOT_ALLOWED", SF_NEVER },
	{ "FILE_SIZE_LIMIT_EXCEEDED", SF_NEVER },
	{ "FLOW_EXCEPTION", SF_NEVER },
	{ "FUNCTIONALITY_NOT_ENABLED", SF_OPERATOR },
	{ "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE", SF_LATER },
	{ "HTML_FILE_UPLOAD_NOT_ALLOWED", SF_NEVER },
	{ "INACTIVE_OWNER_OR_USER", SF_OPERATOR },
	{ "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", SF_LATER },
	{ "INSUFFICIENT_ACCESS", SF_OPERATOR },
	{ "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", SF_NEVER },
	{ "INSUFFICIENT_ACCESS_OR_READONLY", SF_OPERATOR },
	{ "INVALID_ASSIGNMENT_RULE", SF_OPERATOR },
	{ "INVALID_AUTH_HEADER", SF_OPERATOR },
	{ "INVALID_CROSS_REFERENCE_KEY", SF_NEVER },
	{ "INVALID_EMAIL_ADDRESS", SF_NEVER },
	{ "INVALID_FIELD", SF_OPERATOR },
	/* also when a repeated upsert meets a field that is create-only */
	{ "INVALID_FIELD_FOR_INSERT_UPDATE", SF_LOOK },
	{ "INVALID_ID_FIELD", SF_NEVER },
	{ "INVALID_LOGIN", SF_OPERATOR },
	{ "INVALID_MULTIPART_REQUEST", SF_NEVER },
	{ "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", SF_OPERATOR },
	{ "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", SF_NEVER },
	{ "INVALID_QUERY_FILTER_OPERATOR", SF_OPERATOR },
	{ "INVALID_QUERY_LOCATOR", SF_AGAIN },
	{ "INVALID_SESSION_ID", SF_AUTH },
	{ "INVALID_STATUS", SF_OPERATOR },
	{ "INVALID_TYPE", SF_OPERATOR },
	{ "JSON_PARSER_ERROR", SF_SPLIT },
	{ "LIMIT_EXCEEDED", SF_LATER },
	{ "LOGIN_DURING_RESTRICTED_DOMAIN", SF_OPERATOR },
	{ "LOGIN_DURING_RESTRICTED_TIME", SF_OPERATOR },
	{ "MALFORMED_ID", SF_NEVER },
	{ "MALFORMED_QUERY", SF_OPERATOR },
	{ "MAXIMUM_SIZE_OF_ATTACHMENT", SF_NEVER },
	{ "METHOD_NOT_ALLOWED", SF_OPERATOR },
	{ "MULTIPLE_RECORDS_FOUND", SF_NEVER },
	{ "NOT_FOUND", SF_NEVER },
	{ "NUMBER_OUTSIDE_VALID_RANGE", SF_NEVER },
	{ "OPERATION_ENQUEUED", SF_DONE },
	{ "OPERATION_TOO_LARGE", SF_AGAIN },
	{ "ORG_IN_MAINTENANCE", SF_LATER },
	{ "ORG_LOCKED", SF_OPERATOR },
	{ "POST_BODY_PARSE_ERROR", SF_SPLIT },
	{ "PROCESSING_HALTED", SF_HALTED },
	{ "QUERY_TIMEOUT", SF_AGAIN },
	{ "REQUEST_LIMIT_EXCEEDED", SF_LATER },
	{ "REQUEST_RUNNING_TOO_LONG", SF_AGAIN },
	{ "REQUIRED_FIELD_MISSING", SF_NEVER },
	{ "SERVER_UNAVAILABLE", SF_LATER },
	{ "STORAGE_LIMIT_EXCEEDED", SF_LATER },
	{ "STRING_TOO_LONG", SF_NEVER },
	{ "TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET", SF_NEVER },
	{ "TOO_MANY_APEX_REQUESTS", SF_LATER },
	{ "TRIAL_EXPIRED", SF_OPERATOR },
	{ "TXN_SECURITY_METERING_ERROR", SF_LATER },
	{ "UNABLE_TO_LOCK_ROW", SF_AGAIN },
	{ "UNAVAILABLE_RECORDTYPE_EXCEPTION", SF_OPERATOR },
	{ "UNKNOWN_EXCEPTION", SF_AGAIN },
	{ "UNSUPPORTED_API_VERSION", SF_OPERATOR },
};

/* What the HTTP status says when no known code does. */
static enum sf_class class_of_status(int status)
{
	switch (status) {
	case 401:
		return SF_AUTH;
	case 410:
		return SF_OPERATOR;
	case 413:
		return SF_SPLIT;
	case 409:
	case 420:
		return SF_AGAIN;
	case 429:
	case 503:
		return SF_LATER;
	default:
		return status >= 400 && status < 500 ? SF_NEVER : SF_AGAIN;
	}
}

enum sf_class sf_error_class(const char *code, const char *message, int status)
{
	struct str text = str_c(message);

	/* A trigger wraps the cause of its failure, and may be to blame. */
	if (strcmp(code, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY") == 0 &&
		str_find(text, STR("execution of")) >= 0)
		return str_find(text, STR("UNABLE_TO_LOCK_ROW")) >= 0
			       ? SF_AGAIN
			       : SF_NEVER;
	if (strcmp(code, "INVALID_SESSION_ID") == 0 &&
		str_find(text, STR("not valid for use")) >= 0)
		return SF_OPERATOR;
	if (strcmp(code, "NOT_FOUND") == 0 &&
		str_find(text, STR("external ID field")) >= 0)
		return SF_OPERATOR;
	for (size_t i = 0; i < COUNT(codes); i++)
		if (strcmp(codes[i].code, code) == 0)
			return codes[i].class;
	return class_of_status(status);
}

int64_t sf_error_retry_ms(enum sf_class class, const char *message)
{
	uint32_t dice;
	int64_t most;

	if (class == SF_OPERATOR)
		return 5 * 60 * 1000;
	if (class == SF_LATER)
		/* "ConcurrentRequests Limit" passes in seconds */
		most = str_find(str_c(message), STR("Concurrent")) >= 0
			       ? 10000
			       : 120000;
	else
		most = 2000;
	id_random(&dice, sizeof(dice));
	return most / 4 + (int64_t)dice % (most * 3 / 4);
}

enum target_outcome sf_error_outcome(enum sf_class class)
{
	switch (class) {
	case SF_DONE:
		return TARGET_DONE;
	case SF_NEVER:
		return TARGET_REFUSED;
	case SF_OPERATOR:
		return TARGET_HOLD;
	case SF_AGAIN:
	case SF_LATER:
	case SF_AUTH:
	case SF_HALTED:
	case SF_LOOK:
	case SF_SPLIT:
		break;
	}
	return TARGET_RETRY;
}

static const char *text_of(const json_t *error, const char *name)
{
	const char *text = json_string_value(json_object_get(error, name));

	return text ? text : "";
}

static bool is_halted(const char *code)
{
	return strcmp(code, "PROCESSING_HALTED") == 0 ||
	       strcmp(code, "ALL_OR_NONE_OPERATION_ROLLED_BACK") == 0;
}

/* REST writes errorCode, collections statusCode. */
static const char *code_of(const json_t *error)
{
	const char *code = text_of(error, "errorCode");

	return *code ? code : text_of(error, "statusCode");
}

void sf_error_read(
	struct arena *a, const json_t *body, int status, struct sf_failure *out)
{
	const json_t *error = json_is_array(body) ? json_array_get(body, 0)
						  : body;
	const char *code, *message;

	for (size_t i = 1; i < json_array_size(body); i++)
		if (is_halted(code_of(error)))
			error = json_array_get(body, i);
	code = code_of(error);
	message = text_of(error, "message");
	*out = (struct sf_failure){ .code = arena_strdup(a, code) };
	out->class = sf_error_class(code, message, status);
	out->retry_ms = sf_error_retry_ms(out->class, message);
	if (*code)
		out->reason = str_c(arena_printf(a, "%s: %s", code, message));
	else
		out->reason = str_c(arena_printf(a,
			"status %d without an error that can be read", status));
	out->reason = utf8_cut(out->reason, SF_REASON_MAX);
	out->field = arena_str(a,
		str_c(json_string_value(
			json_array_get(json_object_get(error, "fields"), 0))));
}
