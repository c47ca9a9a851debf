fileinto "a";
if envelope "from" "x" { keep; }
if body :contains "x" { keep; }
set "a" "b";
redirect :copy "ann@example.org";
if header :regex "subject" "x" { keep; }
