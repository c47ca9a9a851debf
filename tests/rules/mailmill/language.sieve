require ["variables", "vnd.mailmill"];

note "language ${mail.language}";
if mail :language "de" {
    note "German";
} elsif mail :kind "ordinary" :language ["fr", "NL"] {
    note "French or Dutch";
}
