/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schema_data.c - the standard objects and their fields, as plain tables. */
#include "sandbox.h"

/* clang-format off: one field a line. */

/* Rows: name, type, length, flags, then by kind of field. */
#define TEXT(name, len, flags, ...)                                            \
	{                                                                      \
		name, SB_STRING, len, flags, __VA_ARGS__                       \
	}
#define AREA(name, len, flags)                                                 \
	{                                                                      \
		name, SB_TEXTAREA, len, flags                                  \
	}
#define MAILBOX(name, len, flags)                                              \
	{                                                                      \
		name, SB_EMAIL, len, flags                                     \
	}
#define PHONE(name, flags)                                                     \
	{                                                                      \
		name, SB_PHONE, 40, flags                                      \
	}
#define PICK(name, len, flags, values, standard)                               \
	{                                                                      \
		name, SB_PICKLIST, len, flags, .picks = values,                \
					       .preset = standard              \
	}
#define REF(name, flags, to, relation, back)                                   \
	{                                                                      \
		name, SB_REFERENCE, 18, flags, to, relation, back              \
	}
#define YES_NO(name, flags, standard)                                          \
	{                                                                      \
		name, SB_BOOLEAN, 0, (flags) | SB_DEFAULTED,                   \
			.preset = standard                                     \
	}
#define WHEN(name, flags)                                                      \
	{                                                                      \
		name, SB_DATETIME, 0, flags                                    \
	}
#define DAY(name, flags)                                                       \
	{                                                                      \
		name, SB_DATE, 0, flags                                        \
	}
#define WHOLE(name, flags)                                                     \
	{                                                                      \
		name, SB_INT, 9, flags                                         \
	}
#define COMPUTED(name, type, len, fn)                                          \
	{                                                                      \
		name, type, len, 0, .derive = fn                               \
	}
#define KEY                                                                    \
	{                                                                      \
		"Mailmill_Key__c", SB_STRING, 64,                              \
			SB_CU | SB_EXTERNAL | SB_UNIQUE | SB_CASE | SB_CUSTOM, \
			.label = "Mailmill Key"                                \
	}
#define OWNER                                                                  \
	REF("OwnerId", SB_CU | SB_DEFAULTED | SB_UNINDEXED, "Group,User",      \
		"Owner", NULL)
#define NAME_RO(len)                                                           \
	{                                                                      \
		"Name", SB_STRING, len, SB_NAME,                               \
			.derive = sb_derive_person_name                        \
	}

/* Each object has these. */
const struct sb_field sb_system_fields[] = {
	{ "Id", SB_ID, 18, SB_DEFAULTED | SB_LOOKUP, .label = "Record ID" },
	YES_NO("IsDeleted", 0, NULL),
	WHEN("CreatedDate", SB_DEFAULTED),
	REF("CreatedById", SB_DEFAULTED | SB_UNINDEXED, "User", "CreatedBy",
		NULL),
	WHEN("LastModifiedDate", SB_DEFAULTED),
	REF("LastModifiedById", SB_DEFAULTED | SB_UNINDEXED, "User",
		"LastModifiedBy", NULL),
	WHEN("SystemModstamp", SB_DEFAULTED),
	{ 0 },
};

static const struct sb_field case_fields[] = {
	{ "CaseNumber", SB_STRING, 30,
		SB_NUMBERED | SB_DEFAULTED | SB_LOOKUP | SB_NAME },
	REF("ContactId", SB_CU, "Contact", "Contact", "Cases"),
	REF("AccountId", SB_CU, "Account", "Account", "Cases"),
	REF("ParentId", SB_CU, "Case", "Parent", "Cases"),
	REF("SourceId", SB_CU | SB_UNINDEXED, "EmailMessage", "Source", NULL),
	TEXT("SuppliedName", 80, SB_CU),
	MAILBOX("SuppliedEmail", 80, SB_CU),
	TEXT("SuppliedPhone", 40, SB_CU),
	TEXT("SuppliedCompany", 80, SB_CU),
	PICK("Type", 255, SB_CU, "Question,Problem,Feature Request", NULL),
	REF("RecordTypeId", SB_CU | SB_UNINDEXED, "RecordType", "RecordType",
		NULL),
	PICK("Status", 255, SB_CU, "New,Working,Escalated,Closed", "New"),
	PICK("Reason", 255, SB_CU,
		"User didn't attend training,Complex functionality,Existing "
		"problem,Instructions not clear,New problem",
		NULL),
	PICK("Origin", 255, SB_CU, "Phone,Email,Web", NULL),
	PICK("Language", 40, SB_CU, "en_US,de,es,fr,it,ja", NULL),
	TEXT("Subject", 255, SB_CU),
	PICK("Priority", 255, SB_CU, "High,Medium,Low", "Medium"),
	AREA("Description", 32000, SB_CU),
	COMPUTED("IsClosed", SB_BOOLEAN, 0, sb_derive_is_closed),
	WHEN("ClosedDate", 0),
	YES_NO("IsEscalated", SB_CU, NULL),
	OWNER,
	COMPUTED("ContactPhone", SB_PHONE, 40, sb_derive_contact_phone),
	COMPUTED("ContactMobile", SB_PHONE, 40, sb_derive_contact_mobile),
	COMPUTED("ContactEmail", SB_EMAIL, 80, sb_derive_contact_email),
	COMPUTED("ContactFax", SB_PHONE, 40, sb_derive_contact_fax),
	AREA("Comments", 4000, SB_CU),
	KEY,
	{ 0 },
};

static const struct sb_field email_message_fields[] = {
	REF("ParentId", SB_C | SB_CASCADE, "Case", "Parent", "EmailMessages"),
	REF("ActivityId", SB_C, "Task", "Activity", NULL),
	REF("RelatedToId", SB_C, "Account,Case,Contact,Lead", "RelatedTo",
		"Emails"),
	REF("FromId", SB_C, "Contact,Lead,User", "From", NULL),
	REF("ReplyToEmailMessageId", SB_CU, "EmailMessage",
		"ReplyToEmailMessage", NULL),
	{ "Name", SB_STRING, 255, SB_NAME, .derive = sb_derive_mail_name },
	AREA("TextBody", 131072, SB_CU),
	{ "HtmlBody", SB_TEXTAREA, 131072, SB_CU | SB_HTML },
	AREA("Headers", 32000, SB_CU),
	TEXT("Subject", 3000, SB_CU),
	TEXT("FromName", 1000, SB_CU),
	MAILBOX("FromAddress", 1000, SB_CU),
	PICK("ValidatedFromAddress", 255, SB_CU, "", NULL),
	TEXT("ToAddress", 4000, SB_CU),
	TEXT("CcAddress", 4000, SB_CU),
	TEXT("BccAddress", 4000, SB_CU),
	{ "ToIds", SB_ID_LIST, 0, SB_CU },
	{ "CcIds", SB_ID_LIST, 0, SB_CU },
	{ "BccIds", SB_ID_LIST, 0, SB_CU },
	{ "ContentDocumentIds", SB_ID_LIST, 0, SB_CU },
	YES_NO("Incoming", SB_C, NULL),
	COMPUTED("HasAttachment", SB_BOOLEAN, 0, sb_derive_has_attachment),
	{ "Status", SB_PICKLIST, 40, SB_CU | SB_RESTRICTED | SB_DEFAULTED,
		.picks = "0,1,2,3,4,5", .preset = "3" },
	WHEN("MessageDate", SB_CU),
	TEXT("MessageIdentifier", 765, SB_CU | SB_LOOKUP),
	TEXT("ThreadIdentifier", 765, SB_CU | SB_LOOKUP),
	TEXT("ClientThreadIdentifier", 765, SB_CU | SB_LOOKUP),
	YES_NO("IsClientManaged", SB_CU, NULL),
	YES_NO("IsExternallyVisible", SB_U, "true"),
	YES_NO("IsTracked", SB_CU, NULL),
	YES_NO("IsBounced", SB_CU, NULL),
	YES_NO("IsPrivateDraft", SB_C, NULL),
	YES_NO("IsOpened", 0, NULL),
	WHEN("FirstOpenedDate", SB_CU),
	WHEN("LastOpenedDate", SB_CU),
	KEY,
	{ 0 },
};

static const struct sb_field email_relation_fields[] = {
	REF("EmailMessageId", SB_C | SB_REQUIRED | SB_CASCADE, "EmailMessage",
		"EmailMessage", "EmailMessageRelations"),
	REF("RelationId", SB_CU, "Contact,Lead,User", "Relation",
		"EmailMessageRelations"),
	{ "RelationType", SB_PICKLIST, 40, SB_C | SB_REQUIRED | SB_RESTRICTED,
		.picks = "ToAddress,CcAddress,BccAddress,FromAddress,"
			 "OtherAddress" },
	TEXT("RelationAddress", 255, SB_C),
	TEXT("RelationObjectType", 50, 0),
	{ 0 },
};

static const struct sb_field case_comment_fields[] = {
	REF("ParentId", SB_C | SB_REQUIRED | SB_CASCADE, "Case", "Parent",
		"CaseComments"),
	YES_NO("IsPublished", SB_CU, NULL),
	AREA("CommentBody", 4000, SB_CU),
	{ 0 },
};

#define ADDRESS(prefix)                                                        \
	TEXT(prefix "Street", 255, SB_CU), TEXT(prefix "City", 40, SB_CU),     \
		TEXT(prefix "State", 80, SB_CU),                               \
		TEXT(prefix "PostalCode", 20, SB_CU),                          \
		TEXT(prefix "Country", 80, SB_CU)

static const struct sb_field contact_fields[] = {
	REF("AccountId", SB_CU, "Account", "Account", "Contacts"),
	TEXT("LastName", 80, SB_CU | SB_REQUIRED),
	TEXT("FirstName", 40, SB_CU),
	PICK("Salutation", 40, SB_CU, "Mr.,Ms.,Mrs.,Dr.,Prof.", NULL),
	NAME_RO(121),
	REF("RecordTypeId", SB_CU | SB_UNINDEXED, "RecordType", "RecordType",
		NULL),
	ADDRESS("Mailing"),
	ADDRESS("Other"),
	PHONE("Phone", SB_CU),
	PHONE("Fax", SB_CU),
	PHONE("MobilePhone", SB_CU),
	PHONE("HomePhone", SB_CU),
	PHONE("OtherPhone", SB_CU),
	PHONE("AssistantPhone", SB_CU),
	REF("ReportsToId", SB_CU, "Contact", "ReportsTo", NULL),
	{ "Email", SB_EMAIL, 80, SB_CU | SB_LOOKUP },
	TEXT("Title", 128, SB_CU),
	TEXT("Department", 80, SB_CU),
	PICK("LeadSource", 255, SB_CU,
		"Web,Phone Inquiry,Partner Referral,Purchased List,Other",
		NULL),
	DAY("Birthdate", SB_CU),
	AREA("Description", 32000, SB_CU),
	OWNER,
	YES_NO("HasOptedOutOfEmail", SB_CU, NULL),
	TEXT("EmailBouncedReason", 255, SB_CU),
	WHEN("EmailBouncedDate", SB_CU),
	YES_NO("IsEmailBounced", 0, NULL),
	KEY,
	{ 0 },
};

static const struct sb_field account_fields[] = {
	TEXT("Name", 255, SB_CU | SB_REQUIRED | SB_NAME),
	PICK("Type", 255, SB_CU,
		"Prospect,Customer - Direct,Customer - Channel,Channel Partner "
		"/ Reseller,Installation Partner,Technology Partner,Other",
		NULL),
	REF("ParentId", SB_CU, "Account", "Parent", "ChildAccounts"),
	ADDRESS("Billing"),
	ADDRESS("Shipping"),
	PHONE("Phone", SB_CU),
	PHONE("Fax", SB_CU),
	TEXT("AccountNumber", 40, SB_CU),
	{ "Website", SB_URL, 255, SB_CU },
	PICK("Industry", 255, SB_CU,
		"Agriculture,Banking,Consulting,Education,Energy,Finance,"
		"Government,Healthcare,Insurance,Manufacturing,Media,Retail,"
		"Technology,Telecommunications,Other",
		NULL),
	{ "AnnualRevenue", SB_CURRENCY, 18, SB_CU },
	WHOLE("NumberOfEmployees", SB_CU),
	AREA("Description", 32000, SB_CU),
	OWNER,
	{ 0 },
};

static const struct sb_field lead_fields[] = {
	TEXT("LastName", 80, SB_CU | SB_REQUIRED),
	TEXT("FirstName", 40, SB_CU),
	PICK("Salutation", 40, SB_CU, "Mr.,Ms.,Mrs.,Dr.,Prof.", NULL),
	NAME_RO(121),
	REF("RecordTypeId", SB_CU | SB_UNINDEXED, "RecordType", "RecordType",
		NULL),
	TEXT("Title", 128, SB_CU),
	TEXT("Company", 255, SB_CU | SB_REQUIRED),
	ADDRESS(""),
	PHONE("Phone", SB_CU),
	PHONE("MobilePhone", SB_CU),
	PHONE("Fax", SB_CU),
	{ "Email", SB_EMAIL, 80, SB_CU | SB_LOOKUP },
	{ "Website", SB_URL, 255, SB_CU },
	AREA("Description", 32000, SB_CU),
	PICK("LeadSource", 255, SB_CU,
		"Web,Phone Inquiry,Partner Referral,Purchased List,Other",
		NULL),
	{ "Status", SB_PICKLIST, 255, SB_CU | SB_DEFAULTED,
		.picks = "Open - Not Contacted,Working - Contacted,Closed - "
			 "Converted,Closed - Not Converted",
		.preset = "Open - Not Contacted" },
	PICK("Industry", 255, SB_CU,
		"Agriculture,Banking,Consulting,Education,Technology,Other",
		NULL),
	PICK("Rating", 255, SB_CU, "Hot,Warm,Cold", NULL),
	{ "AnnualRevenue", SB_CURRENCY, 18, SB_CU },
	WHOLE("NumberOfEmployees", SB_CU),
	OWNER,
	YES_NO("IsConverted", 0, NULL),
	DAY("ConvertedDate", 0),
	REF("ConvertedContactId", 0, "Contact", "ConvertedContact", NULL),
	YES_NO("IsUnreadByOwner", SB_CU, "true"),
	TEXT("EmailBouncedReason", 255, SB_U),
	WHEN("EmailBouncedDate", SB_U),
	KEY,
	{ 0 },
};

static const struct sb_field task_fields[] = {
	REF("WhoId", SB_CU, "Contact,Lead", "Who", "Tasks"),
	REF("WhatId", SB_CU, "Account,Case", "What", "Tasks"),
	{ "Subject", SB_COMBOBOX, 255, SB_CU | SB_NAME,
		.picks = "Call,Email,Send Letter,Send Quote,Other" },
	DAY("ActivityDate", SB_CU),
	{ "Status", SB_PICKLIST, 255, SB_CU | SB_DEFAULTED,
		.picks = "Not Started,In Progress,Completed,Waiting on someone "
			 "else,Deferred",
		.preset = "Not Started" },
	{ "Priority", SB_PICKLIST, 255, SB_CU | SB_DEFAULTED,
		.picks = "High,Normal,Low", .preset = "Normal" },
	OWNER,
	AREA("Description", 32000, SB_CU),
	COMPUTED("IsClosed", SB_BOOLEAN, 0, sb_derive_task_closed),
	{ "TaskSubtype", SB_PICKLIST, 40, SB_C | SB_RESTRICTED | SB_DEFAULTED,
		.picks = "Task,Email,ListEmail,Cadence,Call,LinkedIn",
		.preset = "Task" },
	PICK("CallType", 40, SB_CU, "Internal,Inbound,Outbound", NULL),
	YES_NO("IsReminderSet", SB_CU, NULL),
	WHEN("ReminderDateTime", SB_CU),
	WHEN("CompletedDateTime", 0),
	KEY,
	{ 0 },
};

static const struct sb_field attachment_fields[] = {
	REF("ParentId", SB_C | SB_REQUIRED | SB_CASCADE,
		"Account,Case,Contact,EmailMessage,Lead,Task", "Parent",
		"Attachments"),
	TEXT("Name", 255, SB_CU | SB_REQUIRED | SB_NAME),
	YES_NO("IsPrivate", SB_CU, NULL),
	TEXT("ContentType", 120, SB_CU),
	WHOLE("BodyLength", 0),
	{ "Body", SB_BASE64, 0, SB_CU | SB_REQUIRED },
	OWNER,
	TEXT("Description", 500, SB_CU),
	{ 0 },
};

static const struct sb_field content_version_fields[] = {
	REF("ContentDocumentId", SB_C | SB_CASCADE, "ContentDocument",
		"ContentDocument", "ContentVersions"),
	YES_NO("IsLatest", 0, NULL),
	{ "ContentUrl", SB_URL, 1333, SB_CU },
	TEXT("VersionNumber", 20, 0),
	TEXT("Title", 255, SB_CU | SB_NAME),
	AREA("Description", 1000, SB_CU),
	AREA("ReasonForChange", 1000, SB_CU),
	{ "SharingOption", SB_PICKLIST, 40,
		SB_CU | SB_RESTRICTED | SB_DEFAULTED, .picks = "A,R",
		.preset = "A" },
	{ "SharingPrivacy", SB_PICKLIST, 40,
		SB_CU | SB_RESTRICTED | SB_DEFAULTED, .picks = "N,P",
		.preset = "N" },
	TEXT("PathOnClient", 500, SB_C),
	OWNER,
	{ "TagCsv", SB_TEXTAREA, 2000, SB_CU },
	TEXT("FileType", 20, 0),
	{ "PublishStatus", SB_PICKLIST, 40, SB_DEFAULTED, .picks = "U,P,R",
		.preset = "P" },
	{ "VersionData", SB_BASE64, 0, SB_CU },
	WHOLE("ContentSize", 0),
	TEXT("FileExtension", 40, 0),
	REF("FirstPublishLocationId", SB_C,
		"Account,Case,Contact,EmailMessage,Lead,Task,User,Organization",
		"FirstPublishLocation", NULL),
	{ "Origin", SB_PICKLIST, 40, SB_C | SB_RESTRICTED | SB_DEFAULTED,
		.picks = "C,H", .preset = "C" },
	{ "ContentLocation", SB_PICKLIST, 40,
		SB_C | SB_RESTRICTED | SB_DEFAULTED, .picks = "S,E,L",
		.preset = "S" },
	YES_NO("IsMajorVersion", SB_C, NULL),
	TEXT("Checksum", 50, 0),
	KEY,
	{ 0 },
};

static const struct sb_field content_document_fields[] = {
	TEXT("Title", 255, SB_U | SB_REQUIRED | SB_NAME),
	{ "PublishStatus", SB_PICKLIST, 40, SB_DEFAULTED, .picks = "U,P,R",
		.preset = "P" },
	REF("LatestPublishedVersionId", 0, "ContentVersion",
		"LatestPublishedVersion", NULL),
	REF("ParentId", SB_U | SB_UNINDEXED, "ContentWorkspace", "Parent",
		NULL),
	AREA("Description", 1000, SB_U),
	WHOLE("ContentSize", 0),
	TEXT("FileType", 20, 0),
	TEXT("FileExtension", 40, 0),
	REF("OwnerId", SB_U | SB_DEFAULTED | SB_UNINDEXED, "User", "Owner",
		NULL),
	{ 0 },
};

static const struct sb_field content_link_fields[] = {
	REF("LinkedEntityId", SB_C | SB_REQUIRED | SB_CASCADE,
		"Account,Case,Contact,EmailMessage,Lead,Task,User,Organization",
		"LinkedEntity", "ContentDocumentLinks"),
	REF("ContentDocumentId", SB_C | SB_REQUIRED | SB_CASCADE,
		"ContentDocument", "ContentDocument", "ContentDocumentLinks"),
	{ "ShareType", SB_PICKLIST, 40, SB_CU | SB_RESTRICTED,
		.picks = "V,C,I" },
	{ "Visibility", SB_PICKLIST, 40, SB_CU | SB_RESTRICTED | SB_DEFAULTED,
		.picks = "AllUsers,InternalUsers,SharedUsers",
		.preset = "AllUsers" },
	{ 0 },
};

static const struct sb_field user_fields[] = {
	TEXT("Username", 80, SB_CU | SB_REQUIRED | SB_LOOKUP),
	TEXT("LastName", 80, SB_CU | SB_REQUIRED),
	TEXT("FirstName", 40, SB_CU),
	NAME_RO(121),
	{ "Email", SB_EMAIL, 128, SB_CU | SB_REQUIRED | SB_LOOKUP },
	TEXT("Alias", 8, SB_CU | SB_REQUIRED),
	YES_NO("IsActive", SB_CU, "true"),
	{ "UserType", SB_PICKLIST, 40, SB_DEFAULTED,
		.picks = "Standard,AutomatedProcess", .preset = "Standard" },
	PICK("TimeZoneSidKey", 40, SB_CU, "", "GMT"),
	PICK("LocaleSidKey", 40, SB_CU, "", "en_US"),
	PICK("LanguageLocaleKey", 40, SB_CU, "", "en_US"),
	TEXT("FederationIdentifier", 512, SB_CU | SB_LOOKUP),
	{ 0 },
};

static const struct sb_field group_fields[] = {
	TEXT("Name", 40, SB_CU | SB_REQUIRED | SB_NAME),
	TEXT("DeveloperName", 80, SB_CU),
	{ "Type", SB_PICKLIST, 40, SB_C | SB_REQUIRED,
		.picks = "Regular,Queue,Role,Organization" },
	MAILBOX("Email", 255, SB_CU),
	YES_NO("DoesIncludeBosses", SB_CU, NULL),
	{ 0 },
};

static const struct sb_field organization_fields[] = {
	TEXT("Name", 80, SB_U | SB_NAME),
	TEXT("OrganizationType", 40, 0),
	YES_NO("IsSandbox", 0, "true"),
	TEXT("InstanceName", 5, 0),
	TEXT("NamespacePrefix", 15, 0),
	WHEN("TrialExpirationDate", 0),
	PICK("LanguageLocaleKey", 40, SB_U, "", "en_US"),
	{ 0 },
};

static const struct sb_field record_type_fields[] = {
	TEXT("Name", 80, SB_CU | SB_REQUIRED | SB_NAME),
	TEXT("DeveloperName", 80, SB_CU),
	PICK("SobjectType", 40, SB_C, "", NULL),
	YES_NO("IsActive", SB_CU, "true"),
	{ 0 },
};

const struct sb_object_data sb_schema_data[] = {
	{ "Account", "Account", "Accounts", "001", account_fields },
	{ "Attachment", "Attachment", "Attachments", "00P", attachment_fields },
	{ "Case", "Case", "Cases", "500", case_fields, &sb_hooks_case },
	{ "CaseComment", "Case Comment", "Case Comments", "00a",
		case_comment_fields },
	{ "Contact", "Contact", "Contacts", "003", contact_fields,
		&sb_hooks_contact },
	{ "ContentDocument", "Content Document", "Content Documents", "069",
		content_document_fields, &sb_hooks_content_document, "C" },
	{ "ContentDocumentLink", "Content Document Link",
		"Content Document Links", "06A", content_link_fields,
		&sb_hooks_content_link },
	{ "ContentVersion", "Content Version", "Content Versions", "068",
		content_version_fields, &sb_hooks_content_version, "D" },
	{ "EmailMessage", "Email Message", "Email Messages", "02s",
		email_message_fields, &sb_hooks_email_message },
	{ "EmailMessageRelation", "Email Message Relation",
		"Email Message Relations", "0CZ", email_relation_fields },
	{ "Group", "Group", "Groups", "00G", group_fields },
	{ "Lead", "Lead", "Leads", "00Q", lead_fields, &sb_hooks_lead },
	{ "Organization", "Organization", "Organizations", "00D",
		organization_fields, NULL, "CD" },
	{ "RecordType", "Record Type", "Record Types", "012",
		record_type_fields },
	{ "Task", "Task", "Tasks", "00T", task_fields, &sb_hooks_task },
	{ "User", "User", "Users", "005", user_fields, NULL, "D" },
	{ 0 },
};
