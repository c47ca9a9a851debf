require "imap4flags";
addflag "$Work";
