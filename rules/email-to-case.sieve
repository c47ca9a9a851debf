# email-to-case.sieve - a mail to the help desk becomes a Case in Salesforce.
#
# It does what Salesforce's own Email-to-Case does, and what its users miss:
# robots open no Cases, long texts are kept whole, a closed Case is opened
# again, signature logos are left out. Copy it, change it, and try it:
#
#     mailmill check email-to-case.sieve
#     mailmill eval --script email-to-case.sieve some-mail.eml
#     mailmill test email-to-case.svtest

require ["variables", "vnd.mailmill"];

# 1. Robots open no Case.
#
# Machines that write of their own accord (an alarm, a web shop) are not among
# them: their mail makes a Case like any other. Add "auto-generated" to refuse
# it, too.
if mail :kind ["bounce", "delay", "success-notice", "auto-reply", "receipt",
               "feedback-report", "challenge", "loop"] {
    note "no Case: the mail is of the kind ${mail.kind}";
    discard;
    stop;
}

# 2. Who wrote? If exactly one Contact has this address, it is the sender. The
#    Case is made either way.
find :where ["Email", "${mail.from}"] "Contact" "sender";

# 3. Does the mail answer one that made a Case, and is that Case still there?
if allof (thread "Case" "case",
          find :where ["Id", "${case.Id}"] :fields ["IsClosed"] "Case" "known") {

    # Yes. A closed Case is opened again; any other stays as the agents left it.
    if string "${known.IsClosed}" "true" {
        update "case" {
            field "Status" "Working";
        }
    }

} else {

    # No: a new Case. Status, Priority and owner are left to Salesforce.
    create "Case" "case" {
        field :overflow "cut"  "Subject"       "${mail.subject}";
        field :overflow "file" "Description"   "${mail.text}";
        field :as "email" :max 80 "SuppliedEmail" "${mail.from}";
        field :overflow "cut"  "SuppliedName"  "${mail.from.name}";
        field                  "ContactId"     "${sender.Id}";
        field                  "Origin"        "Email";
    }
}

# 4. The mail itself, on the new Case or the known one. What is empty is left
#    out. Texts that are longer than Salesforce allows are kept whole as a file.
create "EmailMessage" "message" {
    field                  "ParentId"    "${case.Id}";
    field                  "Incoming"    "true";
    field                  "Status"      "0";              # New
    field :as "email"      "FromAddress" "${mail.from}";
    field :overflow "cut"  "FromName"    "${mail.from.name}";
    field :overflow "cut"  "ToAddress"   "${mail.to}";
    field :overflow "cut"  "CcAddress"   "${mail.cc}";
    field :overflow "cut"  "Subject"     "${mail.subject}";
    field :overflow "file" "TextBody"    "${mail.text}";
    field :overflow "file" "HtmlBody"    "${mail.html}";
    field                  "MessageDate" "${mail.date}";

    # Salesforce keeps Message-IDs with their angle brackets.
    if not string "${mail.message_id}" "" {
        field :overflow "cut" "MessageIdentifier" "<${mail.message_id}>";
    }
}

# 5. Its files, pictures shown in the text among them. Logos of signatures are
#    left out, and so is a file that the mail holds twice; the journal tells.
attach :parts "all" :skip ["logo", "duplicate"] "message";
