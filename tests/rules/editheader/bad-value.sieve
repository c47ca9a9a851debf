require ["editheader", "variables", "encoded-character"];
set "value" "x${hex:01}";
addheader "X" "${value}";
