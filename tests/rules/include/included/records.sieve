require ["vnd.mailmill"];
create "EmailMessage" "message" {
    field "ParentId" "${case.Id}";
}
