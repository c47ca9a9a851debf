require ["vnd.mailmill", "editheader"];

deleteheader "subject";
addheader "Subject" "changed";
if mail :from_verified {
    note "verified";
}
create "Case" "case" {
    field "Subject" "${mail.subject}";
}
