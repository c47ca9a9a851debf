require ["variables", "vnd.mailmill"];

if find :where ["Subject", "${mail.subject}"] "Case" "case" {
    attach "case";
}
