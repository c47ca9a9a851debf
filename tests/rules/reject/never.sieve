require ["reject", "variables"];
if header :is "subject" "never" { reject "No."; }
keep;
