require ["editheader", "encoded-character"];
addheader "X:" "1";
addheader "" "1";
addheader "X" "bell ${hex:07}";
deleteheader :last "X";
deleteheader "A B";
