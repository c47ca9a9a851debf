require ["variables", "vnd.mailmill"];

# The subject of the mail picks what is tried.
if header :is "subject" "empty" {
    create "Case" "case" {
        field "Skipped" "${mail.cc}";
        field :empty "null" "Cleared" "${mail.cc}";
    }
} elsif header :is "subject" "must" {
    create "Case" { field :empty "fail" "Wanted" "${mail.cc}"; }
} elsif header :is "subject" "twice" {
    create "Case" "case" {
        field "A" "one";
        if true { field "A" "two"; }
        field "A" "${mail.cc}";
    }
} elsif header :is "subject" "unnamed" {
    create "Task" { field "A" "1"; }
    create "Task" { field "A" "2"; }
} elsif header :is "subject" "reference" {
    create "Case" "case" { field "A" "1"; }
    create "Task" "task" { field "WhatId" "${case.Id}"; }
    update "case" { field "B" "2"; }
} elsif header :is "subject" "forward" {
    create "Case" "case" { field "A" "1"; }
    create "Task" "task" { field "A" "1"; }
    update "case" { field "Task" "${task.Id}"; }
} elsif header :is "subject" "missing" {
    find :where ["Email", "${mail.from}"] "Contact" "sender";
    update "sender" { field "A" "1"; }
} elsif header :is "subject" "upsert" {
    upsert :by "Ext__c" "Account" "account" {
        field "Ext__c" "${mail.from.domain}";
        field "Name" "x";
    }
} elsif header :is "subject" "upsert-empty" {
    upsert :by "Ext__c" "Account" { field "Ext__c" "${mail.cc}"; }
} elsif header :is "subject" "delete" {
    if find :where ["Email", "${mail.from}"] "Lead" "lead" { delete "lead"; }
} elsif header :is "subject" "same" {
    create "Case" "same" { field "A" "1"; }
    if true { create "Case" "same" { field "A" "2"; } }
} elsif header :is "subject" "fail" {
    create "Case" { field "A" "1"; }
    fail "not wanted: ${mail.from}";
} elsif header :is "subject" "email" {
    create "Case" "case" { field :as "email" "E" "${mail.header.x_who}"; }
}
