require "fileinto";
fileinto "Lists";
redirect "carl@example.org";
