require ["ihave", "variables"];
set "who" "nobody";
keep;
error "${who} is here";
