require ["vacation", "enotify", "fcc", "mailbox", "imap4flags"];
vacation :fcc "" "x";
vacation :fcc ["a", "b"] "x";
vacation :create "x";
vacation :flags "a" "x";
notify :create "mailto:a@example.org";
notify :fcc "a" :fcc "b" "mailto:a@example.org";
