require ["variables", "vnd.mailmill"];

find :where ["Email", "${mail.from}"] :fields ["AccountId", "Account.Name"]
    "Contact" "sender";
find :where ["Email", "${mail.cc}"] "Contact" "copy";
if find :first :order "CreatedDate" :where ["Email", "${mail.from}"] "Lead" "lead" {
    note "lead ${lead.Id}";
}
# Asks for something that another answer tells.
if find :where ["Id", "${sender.AccountId}"] :fields ["Name"] "Account" "account" {
    note "account ${account.Name} ${sender.Account.Name}";
}
create "Case" "case" {
    field "ContactId" "${sender.Id}";
    field "Copy" "${copy.Id}";
}
