require ["vacation", "fcc", "variables", "encoded-character"];
set "x" "a${hex:01}b";
vacation :fcc "${x}" "Away.";
