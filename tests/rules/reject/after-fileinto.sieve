require ["reject", "fileinto"];
fileinto "INBOX.x";
reject "No.";
