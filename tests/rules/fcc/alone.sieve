require ["vacation", "enotify", "fcc"];
vacation :fcc "a" :create "x";
notify :fcc "a" :flags "a" "mailto:a@example.org";
