require ["duplicate"];
if duplicate :handle "" { discard; }
