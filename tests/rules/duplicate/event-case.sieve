require ["duplicate"];
if duplicate :uniqueid "door   open" { discard; }
