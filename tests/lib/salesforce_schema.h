/* SPDX-License-Identifier: GPL-3.0-or-later */
/* salesforce_schema.h - describe answers, small ones, for tests. */
#ifndef MAILMILL_TEST_SALESFORCE_SCHEMA_H
#define MAILMILL_TEST_SALESFORCE_SCHEMA_H

#define F(name, type, length, more)                                            \
	"{\"name\":\"" name "\",\"type\":\"" type "\",\"createable\":true,"    \
	"\"length\":" #length ",\"updateable\":true" more "}"
#define KEY(more)                                                              \
	F("Mailmill_Key__c", "string", 64, ",\"caseSensitive\":true" more)
#define EXTERNAL ",\"externalId\":true,\"unique\":true"

/* clang-format off */
static const char *const schema_case =
	"{\"name\":\"Case\",\"fields\":["
	"{\"name\":\"Id\",\"type\":\"id\",\"length\":18,\"createable\":false},"
	"{\"name\":\"CaseNumber\",\"type\":\"string\",\"length\":30,"
	"\"createable\":false},"
	F("Subject", "string", 255, "") ","
	F("Description", "textarea", 100, "") ","
	F("SuppliedEmail", "email", 80, "") ","
	F("Status", "picklist", 255, "") ","
	F("IsEscalated", "boolean", 0, "") ","
	F("Amount__c", "currency", 0, "") ","
	F("Count__c", "int", 0, "") ","
	F("Due__c", "date", 0, "") ","
	F("Seen__c", "datetime", 0, "") ","
	F("ContactId", "reference", 18, "") "," KEY(EXTERNAL) "]}";

static const char *const schema_message =
	"{\"name\":\"EmailMessage\",\"fields\":["
	"{\"name\":\"Id\",\"type\":\"id\",\"length\":18,\"createable\":false},"
	"{\"name\":\"ParentId\",\"type\":\"reference\",\"length\":18,"
	"\"createable\":true,\"updateable\":false},"
	F("TextBody", "textarea", 131072, "") ","
	F("HtmlBody", "textarea", 131072, "") ","
	F("ToAddress", "string", 40, "") ","
	F("ToIds", "reference", 18, ",\"soapType\":\"urn:JunctionIdListNames\"")
	"," F("Incoming", "boolean", 0, "") "," KEY("") "]}";

static const char *const schema_contact =
	"{\"name\":\"Contact\",\"fields\":["
	"{\"name\":\"Id\",\"type\":\"id\",\"length\":18},"
	F("LastName", "string", 80, "") "," F("Email", "email", 80, "") ","
	F("AccountId", "reference", 18, "") ","
	F("Active__c", "boolean", 0, "") ","
	F("Born__c", "date", 0, "") ","
	F("Code__c", "string", 20, ",\"caseSensitive\":true") "]}";

static const char *const schema_version =
	"{\"name\":\"ContentVersion\",\"fields\":["
	"{\"name\":\"Id\",\"type\":\"id\",\"length\":18},"
	F("Title", "string", 255, "") "," F("PathOnClient", "string", 500, "")
	"," F("FirstPublishLocationId", "reference", 18, "") "]}";

/* clang-format on */

#undef F
#undef KEY
#undef EXTERNAL

#endif
