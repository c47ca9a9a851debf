require ["vacation", "fcc", "imap4flags"];
vacation :fcc "Sent" :flags ["\\Seen", "\\Answered"] "Away.";
