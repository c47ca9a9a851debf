require ["variables", "vnd.mailmill"];

if thread :by ["token", "references", "subject"] :within 14 :participants
        "Case" "case" {
    note "known ${case.Id}";
} else {
    note "new";
}
