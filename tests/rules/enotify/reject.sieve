require ["enotify", "reject"];
notify "mailto:a@example.org";
reject "No.";
