"""The datasets as their users have them: folders, lists and keypoints."""
