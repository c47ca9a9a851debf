require ["include", "vnd.mailmill"];
create "Case" "case" { field "Subject" "${mail.subject}"; }
include "records";
update "message" { field "Subject" "${mail.subject}"; }
