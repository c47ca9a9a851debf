require ["duplicate"];
if duplicate :header "X-Event" { discard; }
