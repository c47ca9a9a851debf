require ["regex", "variables"];
set "a" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
if string :regex "${a}" "^(a+)+$" { discard; }
