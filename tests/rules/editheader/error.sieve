require ["editheader", "ihave"];
addheader "X-New" "1";
error "stop here";
