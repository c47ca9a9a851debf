require ["vnd.mailmill"];

if mail :from_verified {
    note "verified";
} else {
    note "not verified";
}
note "spf=${mail.auth.spf} of ${mail.auth.spf.domain}";
note "dkim=${mail.auth.dkim} of ${mail.auth.dkim.domain}";
note "dmarc=${mail.auth.dmarc} policy=${mail.auth.dmarc.policy}";
note "arc=${mail.auth.arc} from=${mail.auth.from_verified}";
create "Case" "case" {
    field "Subject" "${mail.subject}";
}
