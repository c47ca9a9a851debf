require ["enotify", "variables"];
set "m" "xmpp:x";
notify "${m}";
