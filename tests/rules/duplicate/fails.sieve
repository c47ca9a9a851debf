require ["duplicate", "ihave"];
if duplicate :uniqueid "fails" { discard; stop; }
error "no";
