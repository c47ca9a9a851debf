require ["variables", "vnd.mailmill"];

create "Case" "case" { field "Subject" "${mail.subject}"; }
create "EmailMessage" "files" { field "ParentId" "${case.Id}"; }
create "EmailMessage" "inline" { field "ParentId" "${case.Id}"; }
create "EmailMessage" "all" { field "ParentId" "${case.Id}"; }
create "EmailMessage" "pdf" { field "ParentId" "${case.Id}"; }
create "EmailMessage" "small" { field "ParentId" "${case.Id}"; }
attach "files";
attach :parts "inline" "inline";
attach :parts "all" "all";
attach :parts "all" "all";
attach :parts "all" :match ["*.PDF", "*.csv"] "pdf";
attach :parts "all" :max 2K "small";
attach :parts "message" "case";
