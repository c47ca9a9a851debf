require ["encoded-character", "fileinto"];
fileinto "${unicode:d800}";
fileinto "${unicode:110000}";
fileinto "${unicode:100000000000000000041}";
