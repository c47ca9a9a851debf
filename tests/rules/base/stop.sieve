require "fileinto";
fileinto "a";
if true { if true { stop; } }
fileinto "b";
