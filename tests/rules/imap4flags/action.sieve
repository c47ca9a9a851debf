require ["fileinto", "imap4flags"];
setflag "one";
fileinto "A";
addflag "two";
fileinto "B";
fileinto :flags "\\Answered" "C";
fileinto :flags "" "D";
fileinto :flags "first" "E";
fileinto :flags "last" "E";
