require ["fileinto", "mailbox"];
fileinto "A";
fileinto :create "A";
