"""Where does each page and each verb of a conversation live?"""

from django.urls import URLPattern

app_name = "conversations"
urlpatterns: list[URLPattern] = []
