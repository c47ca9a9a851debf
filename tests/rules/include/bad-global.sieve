require ["include", "variables"];
set "a" "1";
global "a";
set "global.1" "x";
set "global.a.b" "x";
global ["b", "b", "${c}"];
