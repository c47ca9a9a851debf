require ["duplicate"];
if duplicate :header "Message-Id" { discard; }
