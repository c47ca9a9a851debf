require ["reject"];
reject "Again.";
reject "No.";
