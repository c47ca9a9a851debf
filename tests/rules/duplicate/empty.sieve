require ["duplicate"];
if duplicate :uniqueid "" { discard; }
