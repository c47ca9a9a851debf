if header "subject" "other" { discard; }
