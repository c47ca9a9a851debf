require "imap4flags";
keep :flags ["a b", "B", "A"];
