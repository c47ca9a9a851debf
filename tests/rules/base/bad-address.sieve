if address "subject" "x" { keep; }
if address ["from", "return-path"] "x" { keep; }
