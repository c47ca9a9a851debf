require ["duplicate"];
if duplicate :seconds 18446744073709551615 :uniqueid "huge" { discard; }
