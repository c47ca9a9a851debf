require ["duplicate"];
if duplicate :uniqueid "Door   open" { discard; }
