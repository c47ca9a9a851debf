require ["editheader", "variables"];
set "name" "a:b";
deleteheader "${name}";
